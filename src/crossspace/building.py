"""Modules built without drawing their weights, or without weights at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_DRAWING = ("normal_", "uniform_")
"""Methods of tensors by which some of ``torch.nn.init`` draw."""


class _Uninitialised(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init" or getattr(func, "__name__", "") in _DRAWING:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@contextmanager
def uninitialised() -> Iterator[None]:
    """Inside, nothing is drawn: for a module whose weights are loaded next."""
    with _Uninitialised():
        yield


@contextmanager
def without_storage() -> Iterator[None]:
    """Inside, tensors are made without memory: for a module of which only names and shapes are wanted.

    Drawing on such tensors would do nothing, and importing what it takes would last longer than all else here.
    """
    with torch.device("meta"), _Uninitialised():
        yield
