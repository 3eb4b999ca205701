"""The backward half of a training step: one gradient from several objectives, and no more work than that takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from crossspace.balance.arithmetic import Gradients, added, gradients_of, gram_matrix, laid_out, mixed
from crossspace.balance.base import Balancer
from crossspace.errors import UsageError
from crossspace.nn.linear import passes

Reduce = Callable[[list[Tensor]], None]
"""Adds every tensor of a list over all processes, in place."""


@dataclass(frozen=True, eq=False)
class Balance:
    """How the objectives stood at one step; tensors stay on the device.

    Attributes:
        weights: (K,) float64 factors of the objectives.
        gram: (K, K) float64 inner products of their gradients, or None when they were not needed.
    """

    weights: Tensor
    gram: Tensor | None


class MicroBatch(Protocol):
    """Some conversations of a batch, as a backward pass sees them: two graphs that meet at the cut.

    Every objective is a sum over micro-batches, so that its gradients add up. :meth:`above` is asked first, and
    :meth:`below` when no graph above the cut is needed any more: a micro-batch may build each as it is asked for.
    """

    def above(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """K scalars, this micro-batch's share of the objectives, and the leaves they were computed from."""

    def below(self) -> Sequence[Tensor]:
        """What the encoders gave, with their graph, in the order of the leaves."""


@dataclass(frozen=True, eq=False)
class Computed:
    """A micro-batch whose graphs are there already.

    Attributes:
        objectives: K scalars computed from ``leaves``.
        leaves: detached copies of ``tops`` that require gradients.
        tops: what the encoders gave, with their graph.
    """

    objectives: Sequence[Tensor]
    leaves: Sequence[Tensor]
    tops: Sequence[Tensor]

    def above(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The objectives and the leaves."""
        return self.objectives, self.leaves

    def below(self) -> Sequence[Tensor]:
        """What the encoders gave."""
        return self.tops


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
        representation: the tensors at the cut by name, with the graph of the encoders.
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
    whole = Computed(objectives, [leaves[m] for m in representation], list(representation.values()))
    return accumulated_backward([whole], losses, shared, others, balancer, previous, reduce)


def accumulated_backward(
    micro_batches: Sequence[MicroBatch],
    losses: Tensor,
    shared: Sequence[nn.Parameter],
    others: Sequence[nn.Parameter],
    balancer: Balancer,
    previous: Tensor | None = None,
    reduce: Reduce | None = None,
    compare: torch.dtype | None = None,
) -> Balance:
    """:func:`balanced_backward` of a batch in several parts, exactly that of the whole.

    What is added up is gradients of objectives, one set for each where the balancer compares them: weights are no
    linear function of gradients, and the mean of the weights of the parts would be others. Over the representation the
    Gram matrices add up instead, since each of its rows stands in one micro-batch.

    Args:
        micro_batches: the parts, this process's share of the batch.
        losses: (K,) the objectives summed over ``micro_batches``, without gradient.
        shared: as of :func:`balanced_backward`, like all further arguments.
        others: likewise.
        balancer: likewise.
        previous: likewise.
        reduce: likewise.
        compare: multiply in this type where gradients of parameters are compared and no more; the graphs were built in
            ``passes(dtype=...)`` of it. The gradient that is applied is that of the parameters' own type.
    """
    if reduce is not None:
        losses = losses.clone()
        reduce([losses])
    parameters, gram = [*shared, *others], None
    if previous is not None or balancer.needs == "losses":
        weights = _weights(balancer, losses) if previous is None else previous
        gradients = _of_sum(micro_batches, parameters, weights)
    elif balancer.space == "representation" or compare is not None:
        number = None if balancer.space == "representation" else len(shared)
        gradients, weights, gram = _compared_first(micro_batches, parameters, number, losses, balancer, reduce)
    else:
        tasks = _of_each(micro_batches, parameters, len(losses))
        if reduce is not None:
            _reduce(tasks, parameters, reduce)
        gram = gram_matrix([task[: len(shared)] for task in tasks])
        weights = _weights(balancer, losses, gram)
        # Already summed, before the comparison: weights of parts of the data would be others.
        gradients, reduce = mixed(tasks, weights), None
    if reduce is not None:
        _reduce([gradients], parameters, reduce)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = laid_out(gradient, parameter)
    return Balance(weights, gram)


def _weights(balancer: Balancer, losses: Tensor, gram: Tensor | None = None) -> Tensor:
    """What the balancer says.

    Raises:
        UsageError: it is not one number per objective.
    """
    weights = balancer.weights(losses, gram)
    if not isinstance(weights, Tensor) or weights.shape != losses.shape:
        found = f"shape {tuple(weights.shape)}" if isinstance(weights, Tensor) else f"a {type(weights).__name__}"
        raise UsageError(
            f"Balancer {balancer.name!r}: `weights` should return a tensor of shape {tuple(losses.shape)}, one factor "
            f"per objective. Found {found}. Mend `{type(balancer).__qualname__}.weights`."
        )
    return weights


def _of_sum(micro_batches: Sequence[MicroBatch], parameters: Sequence[Tensor], weights: Tensor) -> Gradients:
    """The gradient of the weighted sum of the objectives, by a single pass through each micro-batch."""
    total: Gradients = [None] * len(parameters)
    for part in micro_batches:
        objectives, leaves = part.above()
        terms = [loss * w.to(loss.dtype) for loss, w in zip(objectives, weights, strict=True)]
        both = gradients_of([torch.stack(terms).sum()], [*leaves, *parameters])
        at_cut, above = both[: len(leaves)], both[len(leaves) :]
        del objectives, terms  # the graph above the cut, before the one below is built
        total = added(total, above)
        total = added(total, gradients_of(part.below(), parameters, at_cut))
    return total


def _of_each(micro_batches: Sequence[MicroBatch], parameters: Sequence[Tensor], count: int) -> list[Gradients]:
    """The gradients of every objective, by ``count`` passes through the encoders of each micro-batch."""
    tasks: list[Gradients] = [[None] * len(parameters) for _ in range(count)]
    for part in micro_batches:
        at_cut, above = _above(part, parameters)
        tops = part.below()
        for k in range(count):
            tasks[k] = added(tasks[k], above[k])
            tasks[k] = added(tasks[k], gradients_of(tops, parameters, at_cut[k], keep=k < count - 1))
        # The graph goes before the next micro-batch builds its own.
        del tops
    return tasks


def _compared_first(
    micro_batches: Sequence[MicroBatch],
    parameters: Sequence[nn.Parameter],
    shared: int | None,
    losses: Tensor,
    balancer: Balancer,
    reduce: Reduce | None,
) -> tuple[Gradients, Tensor, Tensor]:
    """The weighted gradient of this process, the weights, and the Gram matrix by which they were found.

    Compared is everything that passes the cut, or the gradients of the first ``shared`` parameters by passes that serve
    for nothing else. One more pass through the encoders takes the weighted gradient.
    """
    tasks: list[Gradients] = [[None] * len(parameters) for _ in losses]
    compared: list[Gradients] = [[None] * (shared or 0) for _ in losses]
    gram, gradients_at_cut = None, []
    whole = len(micro_batches) == 1 and reduce is None
    for part in micro_batches:
        at_cut, above = _above(part, parameters)
        tasks = [added(task, more) for task, more in zip(tasks, above, strict=True)]
        if shared is None:
            products = gram_matrix(at_cut).to(losses.device)
            gram = products if gram is None else gram.add_(products)
        else:
            tops = part.below()
            for task, gradient in zip(compared, at_cut, strict=True):
                task[:] = added(task, _only_compared(tops, parameters[:shared], gradient, whole))
            del tops  # a micro-batch that builds its graph anew need not have two
        # Small: rows of the representation, not parameters. They wait until the weights are known.
        gradients_at_cut.append(at_cut)
    if shared is not None:
        # Copies: sums over processes are made in place, and those above the cut are summed later.
        copies = [[None if g is None else g.clone() for g in task[:shared]] for task in tasks]
        compared = [added(above, task) for task, above in zip(compared, copies, strict=True)]
        if reduce is not None:
            _reduce(compared, parameters[:shared], reduce)
        gram = gram_matrix(compared)
        del compared
    elif reduce is not None and gram is not None:
        # Products over the representation add up over processes, since each row stands in one of them.
        reduce([gram])
    assert gram is not None
    weights = _weights(balancer, losses, gram)
    gradients = mixed(tasks, weights)
    for part, at_cut in zip(micro_batches, gradients_at_cut, strict=True):
        gradients = added(gradients, gradients_of(part.below(), parameters, mixed(at_cut, weights)))
    return gradients, weights, gram


def _only_compared(
    tops: Sequence[Tensor], parameters: Sequence[nn.Parameter], at_tops: Gradients, whole: bool
) -> Gradients:
    """Gradients for a comparison, some in a shorter type; in that of the parameters unless they are the ``whole``."""
    short: dict[Tensor, Tensor | None] = dict.fromkeys(parameters)
    with passes(compared=short):
        usual = gradients_of(tops, parameters, at_tops, keep=True)
    found: Gradients = []
    for parameter, gradient in zip(parameters, usual, strict=True):
        more = short[parameter]
        if more is not None and (gradient is not None or not whole):
            more = more.to(parameter.dtype)  # what is added up is added in full
        found.append(gradient if more is None else more if gradient is None else gradient.add_(more))
    return found


def _above(part: MicroBatch, parameters: Sequence[Tensor]) -> tuple[list[Gradients], list[Gradients]]:
    """For every objective, the gradients at the cut and those of the parameters above it."""
    objectives, leaves = part.above()
    # The graph above the cut serves all objectives and goes with the last.
    both = [
        gradients_of([loss], [*leaves, *parameters], keep=index < len(objectives) - 1)
        for index, loss in enumerate(objectives)
    ]
    return [g[: len(leaves)] for g in both], [g[len(leaves) :] for g in both]


def _reduce(tasks: Sequence[Gradients], parameters: Sequence[nn.Parameter], reduce: Reduce) -> None:
    """Sum over processes; None becomes zeros first, so that every process sums the same list.

    What no process reaches is None again afterwards: an optimizer would move it by its momentum and weight decay, which
    a single process does not.
    """
    missing = [i for i in range(len(parameters)) if all(task[i] is None for task in tasks)]
    # Summed along with the gradients: how many processes reach each parameter, without another exchange.
    reached = torch.ones(len(parameters))
    reached[missing] = 0
    reached = reached.to(parameters[0].device)
    for task in tasks:
        for index, parameter in enumerate(parameters):
            if task[index] is None:
                task[index] = torch.zeros_like(parameter)
    reduce([*(g for task in tasks for g in task if g is not None), reached])
    if missing:  # looking waits for the device, so only then
        for index, count in zip(missing, reached[missing].tolist(), strict=True):
            for task in tasks if count == 0 else ():
                task[index] = None
