"""Pretrained encoders trained on for the emotions of a corpus, without one label seen where it is judged."""
