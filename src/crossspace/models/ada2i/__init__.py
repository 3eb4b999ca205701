"""Ada2I: the model and the weighting of features."""

from __future__ import annotations

from crossspace.models.ada2i.model import Ada2I

__all__ = ["Ada2I"]
