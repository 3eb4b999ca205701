"""Rows in which a modality is missing."""

from __future__ import annotations

import torch
from torch import Tensor


def only(rows: Tensor, present: Tensor | None) -> Tensor:
    """(N, d) rows, zero where not ``present`` (N,): what stood there, even NaN, reaches no value and no gradient.

    Without ``present`` every row is there and none is touched.
    """
    return rows if present is None else torch.where(present.unsqueeze(1), rows, 0.0)
