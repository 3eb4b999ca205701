"""The backward half of a training step: one gradient from several objectives, and no more work than that takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from crossspace.balance.base import Balancer

Reduce = Callable[[list[Tensor]], None]
"""Adds every tensor of a list over all processes, in place."""

Gradients: TypeAlias = "list[Tensor | None]"
"""One entry per parameter; None stands for zero."""

_CHUNK = 1 << 16
"""Entries of a gradient that are turned into float64 at a time; they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Balance:
    """How the objectives stood at one step; tensors stay on the device.

    Attributes:
        weights: (K,) float64 factors of the objectives.
        gram: (K, K) float64 inner products of their gradients, or None when they were not needed.
    """

    weights: Tensor
    gram: Tensor | None


def balanced_backward(
    objectives: Sequence[Tensor],
    representation: Mapping[str, Tensor],
    leaves: Mapping[str, Tensor],
    shared: Sequence[nn.Parameter],
    others: Sequence[nn.Parameter],
    balancer: Balancer,
    previous: Tensor | None = None,
    reduce: Reduce | None = None,
) -> Balance:
    """Write the balanced gradient of ``objectives`` into ``.grad`` of all parameters.

    The graph is cut at the shared representation: gradients of the part above it, heads and fusion, are cheap and
    taken for every objective; the part below, the encoders, is passed K times when the balancer compares gradients
    of parameters, else once.

    Args:
        objectives: K scalars computed from ``leaves``.
        representation: ``{modality: (N, d)}`` with the graph of the encoders.
        leaves: detached copies of ``representation`` that require gradients; everything above was computed from them.
        shared: parameters whose gradients the balancer compares. A parameter that an objective does not reach
            counts with a zero gradient.
        others: all other parameters, below or above the cut.
        balancer: turns losses or a Gram matrix into weights.
        previous: weights to use again instead of new ones (``every``).
        reduce: sums gradients over processes. Gradients of objectives are summed, never Gram matrices of parts of the
            data, except over the representation, whose rows belong to one process each.

    Returns:
        The weights used, and the Gram matrix behind them.
    """
    losses = torch.stack([loss.detach() for loss in objectives])
    if reduce is not None:
        reduce([losses])
    work = _Backward(objectives, list(representation.values()), [leaves[m] for m in representation])
    parameters = [*shared, *others]
    if previous is not None or balancer.needs == "losses":
        weights = balancer.weights(losses) if previous is None else previous
        gradients, gram = work.of_sum(parameters, weights), None
    elif balancer.space == "representation":
        at_cut, above = work.above(parameters)
        gram = gram_matrix(at_cut)
        if reduce is not None:
            reduce([gram])
        weights = balancer.weights(losses, gram)
        gradients = _add(_mix(above, weights), work.below(parameters, _mix(at_cut, weights)))
    else:
        tasks = work.of_each(parameters)
        if reduce is not None:
            _reduce(tasks, parameters, reduce)
        gram = gram_matrix([task[: len(shared)] for task in tasks])
        weights = balancer.weights(losses, gram)
        gradients, reduce = _mix(tasks, weights), None
    if reduce is not None:
        _reduce([gradients], parameters, reduce)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return Balance(weights, gram)


@dataclass(frozen=True, eq=False)
class _Backward:
    """Backward passes above and below the cut.

    Attributes:
        objectives: K scalars.
        tops: what the encoders gave, with their graph.
        cut: the detached copies from which the objectives were computed.
    """

    objectives: Sequence[Tensor]
    tops: Sequence[Tensor]
    cut: Sequence[Tensor]

    def above(self, parameters: Sequence[Tensor]) -> tuple[list[Gradients], list[Gradients]]:
        """For every objective, the gradients at the cut and those of the parameters above it."""
        both = [
            _gradients([loss], [*self.cut, *parameters], keep=index < len(self.objectives) - 1)
            for index, loss in enumerate(self.objectives)
        ]
        return [g[: len(self.cut)] for g in both], [g[len(self.cut) :] for g in both]

    def below(self, parameters: Sequence[Tensor], at_cut: Gradients, keep: bool = False) -> Gradients:
        """The gradients of the parameters below the cut, from those at the cut."""
        return _gradients(self.tops, parameters, at_cut, keep=keep)

    def of_each(self, parameters: Sequence[Tensor]) -> list[Gradients]:
        """The gradients of every objective, by K passes through the encoders."""
        at_cut, above = self.above(parameters)
        last = len(self.objectives) - 1
        return [_add(above[k], self.below(parameters, at_cut[k], keep=k < last)) for k in range(last + 1)]

    def of_sum(self, parameters: Sequence[Tensor], weights: Tensor) -> Gradients:
        """The gradient of the weighted sum, by a single pass."""
        terms = [loss * w.to(loss.dtype) for loss, w in zip(self.objectives, weights, strict=True)]
        found = _gradients([torch.stack(terms).sum()], [*self.cut, *parameters])
        at_cut, above = found[: len(self.cut)], found[len(self.cut) :]
        return _add(above, self.below(parameters, at_cut))


def gram_matrix(tasks: Sequence[Gradients]) -> Tensor:
    """(K, K) float64 inner products of K gradients, each a list of tensors in the same order; None stands for zero.

    Products are accumulated in float64: differences of cosines close to one decide the weights.
    """
    some = next((g for task in tasks for g in task if g is not None), None)
    gram = torch.zeros(len(tasks), len(tasks), dtype=torch.float64, device="cpu" if some is None else some.device)
    if some is None:
        return gram
    # One buffer for all products: fresh memory for every piece costs several times the arithmetic.
    largest = max(g.numel() for task in tasks for g in task if g is not None)
    piece = max(1, min(largest, _CHUNK) if some.device.type == "cpu" else largest)
    rows = torch.zeros(len(tasks), piece, dtype=torch.float64, device=some.device)
    for parts in zip(*tasks, strict=True):
        flat = [None if part is None else part.detach().reshape(-1) for part in parts]
        size = next((f.numel() for f in flat if f is not None), 0)
        for start in range(0, size, piece):
            width = min(piece, size - start)
            for row, f in zip(rows, flat, strict=True):
                if f is None:
                    row.zero_()
                else:
                    row[:width].copy_(f[start : start + width])
            gram.addmm_(rows[:, :width], rows[:, :width].T)
    return gram


def _gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    at_outputs: Sequence[Tensor | None] | None = None,
    keep: bool = False,
) -> Gradients:
    """Gradients of ``outputs`` with None for inputs they do not reach."""
    if at_outputs is not None:
        reached = [(o, g) for o, g in zip(outputs, at_outputs, strict=True) if g is not None and o.requires_grad]
        outputs, at_outputs = [o for o, _ in reached], [g for _, g in reached]
    outputs = [o for o in outputs if o.requires_grad]
    if not outputs:
        return [None] * len(inputs)
    return _apart(torch.autograd.grad(outputs, inputs, at_outputs, retain_graph=keep, allow_unused=True))


def _apart(gradients: Sequence[Tensor | None]) -> Gradients:
    """The gradients, none of which shares memory with another or within itself, so that each may be overwritten.

    Automatic differentiation returns one tensor for both terms of a sum, and an expanded scalar for a sum over rows.
    """
    found: Gradients = []
    seen: set[int] = set()
    for gradient in gradients:
        if gradient is not None and (gradient.data_ptr() in seen or 0 in gradient.stride()):
            gradient = gradient.clone(memory_format=torch.contiguous_format)
        if gradient is not None:
            seen.add(gradient.data_ptr())
        found.append(gradient)
    return found


def _add(above: Gradients, below: Gradients) -> Gradients:
    """Sum entry by entry; hardly any parameter stands on both sides of the cut."""
    return [b if a is None else a if b is None else a + b for a, b in zip(above, below, strict=True)]


def _weighted(parts: Sequence[Tensor | None], weights: Tensor) -> Tensor | None:
    """``sum_k weights[k] parts[k]``; the first part that is not None is overwritten."""
    result: Tensor | None = None
    for part, weight in zip(parts, weights, strict=True):
        if part is None:
            continue
        factor = weight.to(part.dtype)
        result = part.mul_(factor) if result is None else result.addcmul_(part, factor)
    return result


def _mix(tasks: Sequence[Gradients], weights: Tensor) -> Gradients:
    """The weighted sum of K gradients, entry by entry; the gradients themselves are used up."""
    return [_weighted(parts, weights) for parts in zip(*tasks, strict=True)]


def _reduce(tasks: Sequence[Gradients], parameters: Sequence[nn.Parameter], reduce: Reduce) -> None:
    """Sum over processes; None becomes zeros first, so that every process sums the same list."""
    for task in tasks:
        for index, parameter in enumerate(parameters):
            if task[index] is None:
                task[index] = torch.zeros_like(parameter)
    reduce([g for task in tasks for g in task if g is not None])
