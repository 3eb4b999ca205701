"""Interleaved timing: in every round the reference, then each variant, on the same batch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from benchmarks.procedures import Library, Reference, plain_kernels
from crossspace.balance import FixedWeights
from crossspace.batching.batch import Batch

Procedure = Callable[[Batch], None]
Rounds = dict[str, list[float]]


def seconds(procedure: Procedure, batch: Batch) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    procedure(batch)
    return time.perf_counter() - start


def rounds(procedures: dict[str, Procedure], warm_up: Batch, batches: Sequence[Batch], count: int) -> Rounds:
    """Seconds of every procedure in every round, after an untimed one on another batch."""
    for procedure in procedures.values():
        procedure(warm_up)
    times: Rounds = {name: [] for name in procedures}
    for index in range(count):
        for name, procedure in procedures.items():
            times[name].append(seconds(procedure, batches[index % len(batches)]))
    return times


def with_plain_kernels(procedure: Procedure) -> Procedure:
    """The same on PyTorch's own choice of matrix kernels."""

    def plain(batch: Batch) -> None:
        with plain_kernels():
            procedure(batch)

    return plain


def training_rounds(
    reference: Reference, library: Library, sdt: Library, batches: Sequence[Batch], count: int
) -> Rounds:
    """The reference's training step, every variant of the library's, and SDT's; the last batch warms up."""
    variants = {**library.variants(), "sdt_float32": sdt.step(FixedWeights())}
    for batch in batches:
        reference.prepare(batch)
    plain = {
        f"{name}_plain": with_plain_kernels(variants[name]) for name in ("exact_float32", "representation_float32")
    }
    return rounds({"reference": reference.train, **variants, **plain}, batches[-1], batches, count)


def evaluation_rounds(
    reference: Reference, library: Library, warm_up: Batch, batches: Sequence[Batch], count: int
) -> Rounds:
    """Evaluation of the reference and of the library."""
    for batch in (warm_up, *batches):
        reference.prepare(batch)
    procedures = {
        "reference": reference.evaluate,
        "evaluation_float32": library.evaluate,
        "evaluation_float32_plain": with_plain_kernels(library.evaluate),
    }
    return rounds(procedures, warm_up, batches, count)


def pairs(times: Rounds, name: str, base: str = "reference") -> list[tuple[float, float]]:
    """(base, name) seconds, round by round."""
    return list(zip(times[base], times[name], strict=True))


def ratio(times: Rounds, name: str, base: str = "reference") -> float:
    """Median of base / name over the rounds."""
    return statistics.median(b / n for b, n in pairs(times, name, base))
