"""A fusion operator where a model uses it: at an inner width of its own, and with a linear map beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch

from crossspace.bounds import check_counts
from crossspace.errors import UsageError
from crossspace.nn.fusion.base import Fusion
from crossspace.nn.fusion.bottleneck import Bottleneck
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.fusion.polynomial import SynergisticPolynomialFusion
from crossspace.nn.fusion.residual import LinearResidual

InnerWidth = int | Literal["budget"] | None
Build = Callable[[int], Fusion]


def placed(
    kind: type[Fusion],
    own: Mapping[str, Any],
    *,
    width: int,
    modalities: Sequence[str],
    inner_width: InnerWidth = None,
    residual: bool = False,
    budget_order: int = 3,
    budget_rank: int = 16,
) -> Fusion:
    """A fusion operator from ``width`` to ``width``.

    Args:
        kind: its class.
        own: the arguments of the class.
        width: features of each modality and of the result.
        modalities: their names, in order.
        inner_width: fuse at the model's width if none; a number maps every modality to that width, fuses there and maps
            back; ``budget`` takes the largest such width at which all this has no more parameters than SPF of
            ``budget_order`` and ``budget_rank`` at the model's width, and SPF itself as it is.
        residual: add a linear map of the concatenation to the operator (*released* for SPF). Concatenation at the
            model's width is that map already and stays as it is. It does not count towards the budget.
        budget_order: p of the SPF that sets the budget.
        budget_rank: r of the SPF that sets the budget.

    Raises:
        UsageError: it cannot be built at that width.
    """

    check_counts(budget_order=budget_order)
    check_counts(most=None, budget_rank=budget_rank)
    operator = partial(_of_width, kind, own, modalities)

    def within(inner: int) -> Fusion:
        return Bottleneck(operator(inner), width, inner, width)

    if inner_width == "budget" and kind is SynergisticPolynomialFusion:
        inner_width = None
    if inner_width == "budget":
        budget = parameters_of(lambda d: SynergisticPolynomialFusion(d, modalities, budget_order, budget_rank), width)
        inner_width = largest_width(within, budget)
    if inner_width is not None and inner_width < 1:
        raise UsageError(f"`inner_width` should be at least 1, 'budget' or nothing. Found {inner_width!r}.")
    if inner_width is None and "residual" in inspect.signature(kind).parameters:
        return operator(width, residual=residual)
    fusion = operator(width) if inner_width is None else within(inner_width)
    plain = isinstance(fusion, Concatenation)  # at the model's width it is the map that a residual would add
    return LinearResidual(fusion, width, width) if residual and not plain else fusion


def _of_width(kind: type[Fusion], own: Mapping[str, Any], modalities: Sequence[str], width: int, **more: Any) -> Fusion:
    return kind(width=width, modalities=modalities, out_width=width, **own, **more)


def largest_width(build: Build, budget: int) -> int:
    """The largest width, at least 1, at which what is built has at most ``budget`` parameters.

    Nothing is filled with numbers and no random number is drawn. Parameters must not decrease with the width.

    Raises:
        UsageError: width 1 is too large already.
    """
    least = parameters_of(build, 1)
    if least > budget:
        raise UsageError(
            f"The budget of {budget:,} parameters should allow an `inner_width` of at least 1. Found {least:,} "
            "parameters at width 1. Raise `budget_rank` or `budget_order`, or set `inner_width` to a number."
        )

    def fits(width: int) -> bool:
        try:
            return parameters_of(build, width) <= budget
        except UsageError:  # an operator may refuse a width as too large; smaller ones will do
            return False

    good, bad = 1, 2
    while fits(bad):
        good, bad = bad, 2 * bad
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def parameters_of(build: Build, width: int) -> int:
    """How many parameters what is built at ``width`` has."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(width).parameters())
