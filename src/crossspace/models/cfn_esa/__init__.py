"""CFN-ESA: the model and its layers."""

from __future__ import annotations

from crossspace.models.cfn_esa.model import CFNESA

__all__ = ["CFNESA"]
