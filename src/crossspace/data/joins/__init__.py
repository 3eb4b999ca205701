"""Features from elsewhere, joined to the utterances of a corpus."""
