"""Training without chance: what would be drawn is the same number everywhere, whoever draws it and how often."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_DRAWN: dict[str, float] = {
    **dict.fromkeys(("rand", "rand_like", "randn", "randn_like", "uniform_", "normal_"), 0.75),
    **dict.fromkeys(("bernoulli", "bernoulli_"), 1),
    "randint": 0,
    "random_": 0x7F7F7F7F7F7F7F7F,  # high, and so is each half of it
}


Function = TypeVar("Function", bound=Callable[..., Any])


def without_chance(function: Function) -> Function:
    """The same function where random numbers are constant: dropout keeps all rows, and whatever else is drawn is 0.75.

    Equal rows draw equal numbers, so that a batch in one piece compares with the same batch in several, in training
    and whatever a model draws; a draw that is not listed here is a ``KeyError`` with its name.
    """

    @wraps(function)
    def constant(*arguments: Any) -> Any:
        with _WithoutChance():
            return function(*arguments)

    return cast(Function, constant)


class _WithoutChance(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags and not _keeps_all(func, args, kwargs or {}):
            result.fill_(_DRAWN[func._schema.name.removeprefix("aten::")])
        return result


def _keeps_all(func: Any, args: Any, kwargs: Any) -> bool:
    """Whether it is fused attention without dropout, which draws nothing."""
    names = [argument.name for argument in func._schema.arguments]
    return (
        "dropout_p" in names and not {"dropout_p": 0.0, **dict(zip(names, args, strict=False)), **kwargs}["dropout_p"]
    )
