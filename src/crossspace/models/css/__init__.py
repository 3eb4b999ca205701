"""CSS: the model, the parts that serve it alone, and the arguments as earlier releases wrote them."""

from __future__ import annotations

from crossspace.models.css.model import CSS

__all__ = ["CSS"]
