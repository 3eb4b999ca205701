"""MPT-HCL, reconstructed: the model, and its filters and prompts."""

from __future__ import annotations

from crossspace.models.mpt_hcl.model import MPTHCL

__all__ = ["MPTHCL"]
