"""Encoders that were trained on for emotions, as they are kept and read."""
