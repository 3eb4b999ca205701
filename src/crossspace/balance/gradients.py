"""The backward half of a training step: one gradient from several objectives, and no more work than that takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from crossspace.balance.base import Balancer

Reduce = Callable[[list[Tensor]], None]
"""Adds every tensor of a list over all processes, in place."""

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
    names = list(leaves)
    cut, tops = [leaves[m] for m in names], [representation[m] for m in names]
    parameters = [*shared, *others]
    if previous is not None or balancer.needs == "losses":
        weights = balancer.weights(losses) if previous is None else previous
        total = torch.stack([loss * w.to(loss.dtype) for loss, w in zip(objectives, weights, strict=True)]).sum()
        at_cut, above = _split(_gradients([total], [*cut, *parameters]), len(cut))
        below = _gradients(tops, parameters, at_cut)
        _write(parameters, [_add(above, below)], None, reduce)
        return Balance(weights, None)

    above, at_cut = [], []
    for index, loss in enumerate(objectives):
        gradients = _gradients([loss], [*cut, *parameters], keep=index < len(objectives) - 1)
        first, rest = _split(gradients, len(cut))
        at_cut.append(first)
        above.append(rest)

    if balancer.space == "representation":
        gram = gram_matrix(at_cut)
        if reduce is not None:
            reduce([gram])
        weights = balancer.weights(losses, gram)
        mixed = [_weighted([task[i] for task in at_cut], weights) for i in range(len(cut))]
        below = _gradients(tops, parameters, mixed)
        combined = [_weighted([task[i] for task in above], weights) for i in range(len(parameters))]
        _write(parameters, [_add(combined, below)], None, reduce)
        return Balance(weights, gram)

    tasks = [
        _add(rest, _gradients(tops, parameters, first, keep=index < len(objectives) - 1))
        for index, (first, rest) in enumerate(zip(at_cut, above, strict=True))
    ]
    if reduce is not None:
        _fill(tasks, parameters)
        reduce([g for task in tasks for g in task if g is not None])
    gram = gram_matrix([task[: len(shared)] for task in tasks])
    weights = balancer.weights(losses, gram)
    _write(parameters, tasks, weights, None)
    return Balance(weights, gram)


def gram_matrix(tasks: Sequence[Sequence[Tensor | None]]) -> Tensor:
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
) -> list[Tensor | None]:
    """Gradients of ``outputs`` with None for inputs they do not reach."""
    if at_outputs is not None:
        reached = [(o, g) for o, g in zip(outputs, at_outputs, strict=True) if g is not None and o.requires_grad]
        outputs, at_outputs = [o for o, _ in reached], [g for _, g in reached]
    outputs = [o for o in outputs if o.requires_grad]
    if not outputs:
        return [None] * len(inputs)
    return _apart(torch.autograd.grad(outputs, inputs, at_outputs, retain_graph=keep, allow_unused=True))


def _apart(gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The gradients, none of which shares memory with another or within itself, so that each may be overwritten.

    Automatic differentiation returns one tensor for both terms of a sum, and an expanded scalar for a sum over rows.
    """
    found: list[Tensor | None] = []
    seen: set[int] = set()
    for gradient in gradients:
        if gradient is not None and (gradient.data_ptr() in seen or 0 in gradient.stride()):
            gradient = gradient.clone(memory_format=torch.contiguous_format)
        if gradient is not None:
            seen.add(gradient.data_ptr())
        found.append(gradient)
    return found


def _split(gradients: list[Tensor | None], count: int) -> tuple[list[Tensor | None], list[Tensor | None]]:
    return gradients[:count], gradients[count:]


def _add(above: Sequence[Tensor | None], below: Sequence[Tensor | None]) -> list[Tensor | None]:
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


def _fill(tasks: list[list[Tensor | None]], parameters: Sequence[nn.Parameter]) -> None:
    """Zeros for None, so that every process reduces the same list."""
    for task in tasks:
        for index, parameter in enumerate(parameters):
            if task[index] is None:
                task[index] = torch.zeros_like(parameter)


def _write(
    parameters: Sequence[nn.Parameter], tasks: list[list[Tensor | None]], weights: Tensor | None, reduce: Reduce | None
) -> None:
    if reduce is not None:
        _fill(tasks, parameters)
        reduce([g for task in tasks for g in task if g is not None])
    for index, parameter in enumerate(parameters):
        parts = [task[index] for task in tasks]
        parameter.grad = parts[0] if weights is None else _weighted(parts, weights)
