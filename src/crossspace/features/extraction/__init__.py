"""From recordings to a corpus: one conversation, many of them, and what is kept so that nothing is computed twice."""
