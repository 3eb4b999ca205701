"""HAUCL (Yi et al., ACM Multimedia 2024)."""

from __future__ import annotations

from crossspace.models.haucl.model import HAUCL

__all__ = ["HAUCL"]
