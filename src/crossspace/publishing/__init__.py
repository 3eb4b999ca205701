"""A model for others: its card, and its place on a hub."""
