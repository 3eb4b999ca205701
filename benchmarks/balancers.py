"""``python -m benchmarks.balancers``: microseconds that each balancer takes for its weights; prints a table.

What is timed is ``weights`` on a processor, without the gradients behind its arguments: on random losses and on the
Gram matrices of random gradients, K = 3 and 8 of them. Beside it stands the same method of TorchJD where the library
has it, and what that needs is installed; for a function of the losses, with the automatic differentiation that makes
weights of it. All are called in turn, ten times each, round by round, and ratios are those of the same round.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from crossspace.balance import BALANCERS

COUNTS = (3, 8)
CALLS = 10
Weigh = Callable[[Tensor, Tensor], object]

_OF_GRAM: dict[str, Callable[[Any], Any]] = {
    "aligned-mtl": lambda library: library.AlignedMTLWeighting(),
    "cagrad": lambda library: library.CAGradWeighting(0.5),
    "imtl-g": lambda library: library.IMTLGWeighting(),
    "mgda": lambda library: library.MGDAWeighting(),
    "pcgrad": lambda library: library.PCGradWeighting(),
    "upgrad": lambda library: library.UPGradWeighting(),
}
# Without IMTL-L, which there has no part in the learning of its scales.
_OF_LOSSES: dict[str, Callable[[Any, int], Any]] = {
    "famo": lambda library, count: library.FAMO(count),
    "geometric-mean": lambda library, count: library.GeometricMean(),
    "pbi": lambda library, count: library.PBI(5.0, torch.ones(count)),
    "random": lambda library, count: library.Random(),
    "stch": lambda library, count: library.STCH(0.1),
}


@dataclass(frozen=True)
class Row:
    """Microseconds of one balancer at one K, and how many times as long the other library takes, if it can."""

    name: str
    count: int
    here: float
    ratio: float | None


def measured(rounds: int, counts: Sequence[int] = COUNTS) -> list[Row]:
    """Every balancer at every K."""
    return [row for count in counts for row in _at(count, rounds)]


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, one line per balancer."""
    counts = sorted({row.count for row in rows})
    found = {(row.name, row.count): row for row in rows}
    heads = [f"{what}K = {k}" for what in ("µs, ", "TorchJD over this, ") for k in counts]
    lines = [f"| balancer | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for name in sorted({row.name for row in rows}):
        here = [f"{found[name, k].here:.0f}" for k in counts]
        ratios = [found[name, k].ratio for k in counts]
        lines.append(f"| `{name}` | {' | '.join([*here, *('' if r is None else f'{r:.1f}' for r in ratios)])} |")
    return "\n".join(lines)


def _at(count: int, rounds: int) -> Iterator[Row]:
    ours: dict[str, Weigh] = {name: kind().weights for name, kind in BALANCERS.box.items()}
    theirs = {name: weigh for name in ours if (weigh := _theirs(name, count)) is not None}
    random = torch.Generator().manual_seed(count)
    seconds: dict[tuple[str, bool], list[float]] = {}
    for number in range(-3, rounds):
        rows = torch.randn(count, 4 * count, generator=random, dtype=torch.float64)
        losses, gram = torch.rand(count, generator=random) + 0.1, rows @ rows.T
        for own, all_ in ((True, ours), (False, theirs)):
            for name, weigh in all_.items():
                start = time.perf_counter()
                for _ in range(CALLS):
                    weigh(losses, gram)
                taken = (time.perf_counter() - start) / CALLS
                if number >= 0:  # the first few warm up
                    seconds.setdefault((name, own), []).append(taken)
    for name in ours:
        here, there = seconds[name, True], seconds.get((name, False))
        ratio = None if there is None else statistics.median(b / a for a, b in zip(here, there, strict=True))
        yield Row(name, count, 1e6 * statistics.median(here), ratio)


def _theirs(name: str, count: int) -> Weigh | None:
    """The method of the other library; None where it has none or lacks something."""
    try:
        if name in _OF_GRAM:
            weighting = _OF_GRAM[name](importlib.import_module("torchjd.aggregation"))
            return lambda _, gram: weighting(gram)
        if name in _OF_LOSSES:
            scalarizer = _OF_LOSSES[name](importlib.import_module("torchjd.scalarization"), count)
            return lambda losses, _: _derivative(scalarizer, losses)
    except ImportError:
        return None
    return None


def _derivative(scalarizer: Callable[[Tensor], Tensor], losses: Tensor) -> Tensor:
    at = losses.clone().requires_grad_()
    return torch.autograd.grad(scalarizer(at), at)[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(table(measured(options.rounds)))


if __name__ == "__main__":
    main()
