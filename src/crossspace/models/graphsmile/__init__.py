"""GraphSmile: the model and the graph between two modalities."""

from __future__ import annotations

from crossspace.models.graphsmile.model import GraphSmile

__all__ = ["GraphSmile"]
