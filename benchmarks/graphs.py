"""``python -m benchmarks.graphs``: a training step of every graph model beside its released way; prints a table.

Ours and theirs compute the same from the same parameters, which is checked first; then both are timed in turns.
"""

from __future__ import annotations

import argparse
import inspect
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.agreement import differences, loss_parts
from benchmarks.corpus import LABELS, WIDTHS, random_batch
from benchmarks.memory import peak, peak_of
from benchmarks.released import ReleasedWay, released_ways
from benchmarks.timing import pairs, ratio, rounds
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.objectives.base import Objective
from crossspace.output import Output
from crossspace.recipes import read_recipe
from crossspace.training.class_weights import class_weights
from crossspace.training.options import TrainingOptions

MODULE = "benchmarks.graphs"
TARGETS = {
    "m3net": (15.0, 20.0),
    "mmgcn": (7.0, 10.0),
    "mm-dfn": (5.0, 8.0),
    "graphsmile": (3.0, 5.0),
    "haucl": (1.5, 3.0),
}
"""Ratio released / ours of a training step: at least, and to reach for."""

CONVERSATIONS, UTTERANCES, ROUNDS = 16, 48, 5
SPEAKERS = ("M", "F")
AGREEMENT = 1e-9
"""How far both may lie apart, relative to the largest logit, loss and entry of a gradient."""


@dataclass
class Subject:
    """A model at the sizes of its IEMOCAP recipe, and its released way.

    Attributes:
        way: how the release computes it.
        model: in training mode.
        spec: its task, of IEMOCAP's shape.
        weights: (C,) class weights of the recipe, or none.
    """

    way: ReleasedWay
    model: Model
    spec: TaskSpec
    weights: Tensor | None

    def batch(self, conversations: int, utterances: int) -> Batch:
        """Random features."""
        return random_batch([utterances] * conversations, self.spec)

    def step(self, forward: Callable[[Batch], Output], objectives: Sequence[Objective]) -> Callable[[Batch], None]:
        """Forward, losses, backward; no update."""

        def run(batch: Batch) -> None:
            self.model.zero_grad()
            losses = loss_parts(objectives, forward(batch), batch, self.weights)
            torch.stack(list(losses.values())).sum().backward()

        return run

    def steps(self) -> dict[str, Callable[[Batch], None]]:
        """Both ways of a training step."""
        return {
            "released": self.step(lambda batch: self.way.forward(self.model, batch), self.way.objectives(self.model)),
            "ours": self.step(self.model, self.model.objectives()),
        }


def subject(name: str, dropout: bool = True) -> Subject:
    """The model of that name from a fixed seed, with or without the dropout of its recipe."""
    way = released_ways()[name]
    recipe = read_recipe(f"{name}-iemocap")
    widths = {m: d * way.vectors.get(m, 1) for m, d in WIDTHS.items()}
    spec = TaskSpec(LABELS, widths, SPEAKERS, vectors=way.vectors)
    arguments = {key: value for key, value in recipe["model"].items() if key != "name"}
    if not dropout:
        arguments |= {key: 0.0 for key in inspect.signature(way.model).parameters if "drop" in key}
    torch.manual_seed(0)
    model = way.model(spec, **arguments).train()
    options = TrainingOptions(**recipe["training"])
    if isinstance(options.class_weights, (int, float)) or options.class_weights == "balanced":
        raise ValueError(f"The recipe of {name} asks for class weights of a corpus. There is none here.")
    return Subject(way, model, spec, class_weights(options, torch.zeros(0).numpy(), len(LABELS)))


def agreement(name: str) -> float:
    """The largest relative difference of logits, losses and gradients between both ways of a small batch."""
    small = subject(name, dropout=False)
    theirs = small.way.objectives(small.model)
    apart = differences(small.model, small.way.forward, small.batch(3, 7), small.weights, released_objectives=theirs)
    worst = max(apart, key=lambda key: apart[key])
    if not apart[worst] <= AGREEMENT:
        raise AssertionError(f"{name}: both ways should agree to {AGREEMENT}. {worst} differs by {apart[worst]:.1e}.")
    return apart[worst]


def measure(name: str, quick: bool, count: int) -> dict[str, Any]:
    """Agreement, seconds and peak memory of one model."""
    apart = agreement(name)
    options = ["--quick"] if quick else []
    memory = {way: peak_of(MODULE, "--peak", name, way, *options) for way in ("released", "ours")}
    one = subject(name)
    batch = one.batch(*_size(quick))
    times = rounds(one.steps(), batch, [batch], count)
    each = [base / ours for base, ours in pairs(times, "ours", "released")]
    return {
        "ratio": ratio(times, "ours", "released"),
        "lowest": min(each),
        "highest": max(each),
        "seconds": {way: statistics.median(values) for way, values in times.items()},
        "pairs": pairs(times, "ours", "released"),
        "peak_mib": memory,
        "difference": apart,
        "targets": TARGETS.get(name),
    }


def graph_ratios(quick: bool = False, count: int = ROUNDS, models: Sequence[str] | None = None) -> dict[str, Any]:
    """``{model: what was measured}`` of every model with a released way, or of those named."""
    known = released_ways()
    chosen = list(known) if models is None else list(models)
    if unknown := sorted(set(chosen) - set(known)):
        raise SystemExit(f"There is no released way of {', '.join(unknown)}. There are {', '.join(known)}.")
    return {name: measure(name, quick, count) for name in chosen}


def _size(quick: bool) -> tuple[int, int]:
    """Conversations and utterances of each."""
    return (2, 5) if quick else (CONVERSATIONS, UTTERANCES)


def take_steps(name: str, way: str, quick: bool) -> None:
    """Take two steps, print the peak of this process in MiB."""
    one = subject(name)
    batch, step = one.batch(*_size(quick)), one.steps()[way]
    for _ in range(2):
        step(batch)
    print(peak())


def show(result: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table("", title="Training step, released / ours, median of pairs")
    columns = ("released s", "ours s", "ratio", "lowest", "highest", "at least", "reach for")
    for heading in (*columns, "released MiB", "ours MiB", "difference"):
        table.add_column(heading, justify="right")
    for name, one in result.items():
        numbers = [*one["seconds"].values(), one["ratio"], one["lowest"], one["highest"], *(one["targets"] or ())]
        cells = [f"{x:.3f}" for x in numbers[:2]] + [f"{x:.2f}" for x in numbers[2:]]
        cells += [""] * (len(columns) - len(cells)) + [f"{x:.0f}" for x in one["peak_mib"].values()]
        table.add_row(name, *cells, f"{one['difference']:.0e}")
    console.print(table)
    console.print(f"{CONVERSATIONS} conversations of {UTTERANCES} utterances, {torch.get_num_threads()} threads.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small batch, to see that everything runs")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"timed pairs (default: {ROUNDS})")
    parser.add_argument("--models", type=lambda text: text.split(","), help="names, joined by commas (default: all)")
    parser.add_argument("--out", type=Path, help="file to write the numbers to, as JSON")
    parser.add_argument("--peak", nargs=2, metavar=("MODEL", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        take_steps(*options.peak, options.quick)
        return
    result = graph_ratios(options.quick, options.rounds, options.models)
    if options.out:
        options.out.write_text(json.dumps({"graph_ratios": result}, indent=2) + "\n", encoding="utf-8")
    show(result, Console(width=140))


if __name__ == "__main__":
    main()
