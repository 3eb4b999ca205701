"""From the name of a fusion operator, an inner width and a residual to the module that a model uses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch

from crossspace.errors import UsageError, suggestion
from crossspace.nn.fusion import FUSIONS
from crossspace.nn.fusion.base import Fusion
from crossspace.nn.fusion.bottleneck import Bottleneck
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.fusion.polynomial import SynergisticPolynomialFusion
from crossspace.nn.fusion.residual import LinearResidual

InnerWidth = int | Literal["budget"] | None
Build = Callable[[int], Fusion]


def build_fusion(
    name: str,
    width: int,
    modalities: Sequence[str],
    *,
    inner_width: InnerWidth = None,
    residual: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Fusion:
    """A fusion operator from ``width`` to ``width``.

    Args:
        name: one of ``FUSIONS``.
        width: features of each modality and of the result.
        modalities: their names, in order.
        inner_width: None fuses at ``width``. A number puts the operator into a :class:`Bottleneck` of that width.
            ``budget`` takes the largest such width at which operator and bottleneck have no more parameters than SPF
            has at ``width``, and SPF itself as it is.
        residual: add a linear map of the concatenation. Concatenation at ``width`` is that map and stays alone.
        options: arguments of the operators, of which each takes those it knows. SPF, also where it only sets the
            budget, needs ``order`` and ``rank``.

    Raises:
        UsageError: there is no such operator, or it cannot be built at that width.
    """
    if name not in FUSIONS:
        raise UsageError(f"There is no fusion {name!r}. {suggestion(name, FUSIONS)}")
    kind, options = FUSIONS[name], dict(options or {})

    def operator(size: int) -> Fusion:
        return _of_width(kind, size, modalities, options)

    def within(inner: int) -> Fusion:
        return Bottleneck(operator(inner), width, inner, width)

    if inner_width == "budget" and kind is SynergisticPolynomialFusion:
        inner_width = None
    if inner_width == "budget":
        reference = {**options, "shared": False}
        budget = parameters_of(lambda size: _of_width(SynergisticPolynomialFusion, size, modalities, reference), width)
        inner_width = largest_width(within, budget)
    if inner_width is not None:
        if inner_width < 1:
            raise UsageError(f"`fusion_width` should be at least 1, 'budget' or nothing. Found {inner_width!r}.")
        fusion = within(inner_width)
        return LinearResidual(fusion, width, width) if residual else fusion
    if kind is SynergisticPolynomialFusion:
        return _of_width(kind, width, modalities, {**options, "residual": residual})
    return LinearResidual(operator(width), width, width) if residual and kind is not Concatenation else operator(width)


def largest_width(build: Build, budget: int) -> int:
    """The largest width, at least 1, at which what is built has at most ``budget`` parameters.

    Nothing is filled with numbers and no random number is drawn. Parameters must not decrease with the width.

    Raises:
        UsageError: width 1 is too large already.
    """
    least = parameters_of(build, 1)
    if least > budget:
        raise UsageError(
            f"The budget of {budget:,} parameters should allow a `fusion_width` of at least 1. Found {least:,} "
            "parameters at width 1. Raise `rank` or `order`, or set `fusion_width` to a number."
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


def _of_width(kind: type[Fusion], width: int, modalities: Sequence[str], options: Mapping[str, Any]) -> Fusion:
    known = inspect.signature(kind).parameters
    return kind(width=width, modalities=modalities, out_width=width, **{k: v for k, v in options.items() if k in known})
