"""Objectives as totals and counts, added up over micro-batches and processes before they are divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from crossspace.balance.gradients import Reduce
from crossspace.batching.batch import Batch
from crossspace.objectives.base import Objective, Part
from crossspace.objectives.modulation import Modulation
from crossspace.output import Output
from crossspace.training.checks import check_parts


@dataclass(frozen=True, eq=False)
class Measured:
    """What objectives and modulation say about some conversations.

    Attributes:
        objectives: the parts of each objective, by name.
        signals: what the modulation rests on, by name; without gradient.
    """

    objectives: Sequence[dict[str, Part]]
    signals: dict[str, Part]

    def counts(self) -> Tensor:
        """(P,) of all parts of objectives."""
        return torch.stack([part.count for parts in self.objectives for part in parts.values()])

    def signal_sums(self) -> Tensor:
        """(2, S) totals and counts of the signals."""
        return torch.stack([torch.stack([p.total, p.count]) for p in self.signals.values()], dim=1)

    def means(self, counts: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The K objectives and all their parts by name: totals of these conversations over counts of all.

        Args:
            counts: (P,) above zero.
        """
        means: dict[str, Tensor] = {}
        losses, index = [], 0
        for parts in self.objectives:
            values = []
            for name, part in parts.items():
                means[name] = part.total / counts[index]
                values.append(means[name])
                index += 1
            losses.append(torch.stack(values).sum())
        return losses, means


@dataclass(frozen=True, eq=False)
class Divisors:
    """What the totals of a step are divided by, and what its modulation rests on; the same in every process.

    Attributes:
        counts: (P,) of all parts of objectives, 1 where nothing was counted.
        signals: () means by name.
    """

    counts: Tensor
    signals: dict[str, Tensor]


def measure(
    objectives: Sequence[Objective],
    modulation: Modulation | None,
    output: Output,
    batch: Batch,
    class_weights: Tensor | None,
) -> Measured:
    """Ask every objective, and the modulation if there is one, about a batch."""
    parts = [check_parts(o, o.parts(output, batch, class_weights)) for o in objectives]
    if modulation is None:
        return Measured(parts, {})
    with torch.no_grad():
        return Measured(parts, modulation.parts(output, batch))


def divisors(measured: Sequence[Measured], reduce: Reduce | None) -> Divisors:
    """Add counts and signals up over micro-batches and processes."""
    # Counts before totals: a mean of means would weigh small micro-batches as much as large ones.
    counts = _sum([one.counts() for one in measured])
    signals = _sum([one.signal_sums() for one in measured]) if measured[0].signals else None
    if reduce is not None:
        reduce([counts] if signals is None else [counts, signals])
    means = {}
    if signals is not None:
        totals, rows = signals
        means = dict(zip(measured[0].signals, totals / torch.where(rows > 0, rows, 1.0), strict=True))
    # Nothing was counted, and the total is 0 as well: 0 / 1.
    return Divisors(torch.where(counts > 0, counts, 1.0), means)


def _sum(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.stack(list(parts)).sum(0)
