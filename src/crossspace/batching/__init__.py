"""Conversations as models see them: rows without padding, where each row stands, and what streams remember."""

from crossspace.batching.batch import Batch
from crossspace.batching.collate import batch_of, collate

__all__ = ["Batch", "batch_of", "collate"]
