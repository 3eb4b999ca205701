"""``python -m benchmarks.bench``: time the library beside the reference procedure; prints tables, writes bench.json."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy
import scipy
import torch
from rich.console import Console
from rich.table import Table

import crossspace
from benchmarks import graphs, texts
from benchmarks.corpus import held_out_batches, padding, task, train_batches
from benchmarks.growth import growth
from benchmarks.memory import peak_mebibytes
from benchmarks.procedures import QUICK, Library, Reference, Size, build, build_sdt
from benchmarks.timing import Rounds, evaluation_rounds, pairs, ratio, training_rounds
from benchmarks.utilisation import PRECISIONS, counted, plain_speeds, utilisation
from crossspace.batching.batch import Batch

TARGETS = {
    "exact_float32": (3.0, 4.0),
    "exact_bf16": (5.0, 7.0),
    "representation_float32": (6.0, 8.0),
    "evaluation_float32": (15.0, 20.0),
}
"""Ratio reference / library: at least, and to reach for."""


def measure(quick: bool, count: int | None = None) -> dict[str, Any]:
    """Everything that ``bench.json`` holds."""
    began = time.perf_counter()
    if quick:
        torch.set_num_threads(1)
    size = QUICK if quick else Size()
    count = count or size.pairs
    spec = task(dict(size.widths))
    train, held_out = train_batches(spec, size.shrink), held_out_batches(spec, size.shrink)
    progress = Console(stderr=True)
    progress.print("Memory ...")
    memory = peak_mebibytes(quick)
    model = build(spec, size)
    reference, library = Reference(model), Library(model)
    progress.print(f"Training: {count} rounds and a warm-up ...")
    training = training_rounds(reference, library, Library(build_sdt(spec, size)), train, count)
    progress.print("Utilisation ...")
    used = _utilisation(library, train, training)
    progress.print("Evaluation ...")
    evaluation = evaluation_rounds(reference, library, train[-1], held_out, count)
    del model, reference, library
    progress.print("Texts ...")
    told = texts.ratio(texts.made_up(64 if quick else texts.COUNT), layer=3, rounds=1 if quick else texts.ROUNDS)
    progress.print("Growth ...")
    grown = {axis: [asdict(point) for point in points] for axis, points in growth(quick).items()}
    progress.print("Graphs ...")
    return {
        **_summary(training, evaluation),
        "utilisation": used,
        "text_extraction_over_transformers": told,
        "memory_mib": memory,
        "growth": grown,
        "graph_ratios": graphs.graph_ratios(quick, count, ["m3net"] if quick else None),
        "size": asdict(size),
        "padded_rows_per_utterance": padding(train),
        "threads": torch.get_num_threads(),
        "machine": {"processor": _processor(), "system": platform.platform()},
        "versions": {
            "python": platform.python_version(),
            **{m.__name__: str(m.__version__) for m in (torch, numpy, scipy, crossspace)},
        },
        "quick": quick,
        "wall_seconds": time.perf_counter() - began,
    }


def _summary(training: Rounds, evaluation: Rounds) -> dict[str, Any]:
    by_name = {name: evaluation if name.startswith("evaluation") else training for name in TARGETS}
    plain = [name for name, times in by_name.items() if f"{name}_plain" in times]
    return {
        "ratios": {name: ratio(times, name) for name, times in by_name.items()},
        "ratios_with_plain_kernels": {name: ratio(by_name[name], f"{name}_plain") for name in plain},
        "pgm_over_fixed_weights": {
            name: 1 / ratio(training, name, "fixed_float32") for name in ("exact_float32", "representation_float32")
        },
        "exact_mixed_over_fixed": 1 / ratio(training, "exact_mixed", "fixed_float32"),
        "css_over_sdt_iemocap": {
            name: 1 / ratio(training, name, "sdt_float32") for name in ("exact_float32", "exact_mixed", "fixed_float32")
        },
        "pairs": {name: pairs(times, name) for name, times in by_name.items()},
        "seconds": {
            "training": {name: statistics.median(values) for name, values in training.items()},
            "evaluation": {name: statistics.median(values) for name, values in evaluation.items()},
        },
    }


def _utilisation(library: Library, batches: Sequence[Batch], training: Rounds) -> dict[str, Any]:
    """What :mod:`benchmarks.utilisation` says of every row, and what it rests on."""
    rows = round(statistics.mean(len(batch) for batch in batches))
    # Steps are timed over all batches, which are of about one size; counted is the one nearest to their mean.
    batch = min(batches, key=lambda one: abs(len(one) - rows))
    flops = {kind: number * rows / len(batch) for kind, number in counted(library, batch).items()}
    speeds = plain_speeds(rows, 1024)
    seconds = {name: statistics.median(training[name]) for name in PRECISIONS}
    return {**utilisation(flops, speeds, seconds), "flops": flops, "plain_flops_per_second": speeds}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def show(result: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    console.print(_ratio_table(result))
    console.print(
        "plain kernels: the same ratio when the library, too, leaves the choice of matrix kernels to PyTorch "
        f"(MKL for float32). Padded batches have {result['padded_rows_per_utterance']:.2f} rows per utterance."
    )
    cost, memory = result["pgm_over_fixed_weights"], result["memory_mib"]
    console.print(
        f"PGM over fixed weights: {cost['exact_float32']:.2f} times the step (exact), "
        f"{cost['representation_float32']:.2f} (representation)."
    )
    console.print(
        f"With comparing passes in bf16: {result['exact_mixed_over_fixed']:.2f} times. CSS over SDT: "
        + ", ".join(f"{name} {value:.2f}" for name, value in result["css_over_sdt_iemocap"].items())
        + "."
    )
    speeds = result["utilisation"]["plain_flops_per_second"]
    console.print(
        "Of a plain product's speed (float32 {:.0f}, bf16 {:.0f} GFLOP/s): ".format(
            speeds["float32"] / 1e9, speeds["bf16"] / 1e9
        )
        + ", ".join(f"{name} {result['utilisation'][name]:.0%}" for name in PRECISIONS)
        + "."
    )
    console.print(f"Text extraction over transformers: {result['text_extraction_over_transformers']:.2f}.")
    console.print(
        f"Peak memory: reference {memory['reference']:.0f} MiB, library {memory['library']:.0f} MiB "
        f"({memory['library'] / memory['reference']:.0%})."
    )
    for axis, points in result["growth"].items():
        console.print(_growth_table(axis, points))
    graphs.show(result["graph_ratios"], console)
    console.print(f"{result['threads']} threads, {result['wall_seconds']:.0f} s in all.")


def _ratio_table(result: dict[str, Any]) -> Table:
    table = Table("", title="Reference / library, median of pairs")
    for heading in ("reference s", "library s", "ratio", "lowest", "highest", "at least", "reach for", "plain kernels"):
        table.add_column(heading, justify="right")
    for name, (least, reach) in TARGETS.items():
        each = [b / n for b, n in result["pairs"][name]]
        both = [statistics.median(side) for side in zip(*result["pairs"][name], strict=True)]
        plain = result["ratios_with_plain_kernels"].get(name)
        numbers = [*both, result["ratios"][name], min(each), max(each), least, reach]
        table.add_row(name, *(f"{x:.2f}" for x in numbers), "" if plain is None else f"{plain:.2f}")
    return table


def _growth_table(axis: str, points: list[dict[str, Any]]) -> Table:
    table = Table(axis, title=f"Seconds per step (exact, float32) by {axis}, width 256, one thread")
    table.add_column("library", justify="right")
    table.add_column("reference", justify="right")
    for point in points:
        reference = point["reference"]
        table.add_row(str(point["value"]), f"{point['library']:.3f}", "" if reference is None else f"{reference:.3f}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small model, to see that everything runs")
    parser.add_argument("--pairs", type=int, help="timed pairs (default: 5)")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="where to write the numbers")
    options = parser.parse_args(arguments)
    result = measure(options.quick, options.pairs)
    options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show(result, Console(width=140))


if __name__ == "__main__":
    main()
