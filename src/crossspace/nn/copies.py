"""Layers that begin alike."""

from __future__ import annotations

from copy import deepcopy

from torch import nn


def copies(first: nn.Module, count: int) -> nn.ModuleList:
    """``count`` layers that begin as copies of one, as in PyTorch's stock encoder and all that makes stacks so."""
    return nn.ModuleList([first, *(deepcopy(first) for _ in range(count - 1))] if count else [])
