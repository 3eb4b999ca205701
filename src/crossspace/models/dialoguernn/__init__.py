"""DialogueRNN: the model and the recurrences it is made of."""

from __future__ import annotations

from crossspace.models.dialoguernn.model import DialogueRNN

__all__ = ["DialogueRNN"]
