"""From recordings and transcripts to feature vectors."""
