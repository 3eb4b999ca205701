"""Peak memory of a training step, each procedure in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.corpus import task, train_batches
from benchmarks.procedures import QUICK, Library, Reference, Size, build

MODULE = "benchmarks.memory"
ROOT = Path(__file__).parents[1]


def peak_mebibytes(quick: bool) -> dict[str, float]:
    """``{procedure: MiB}``, the largest resident size of a process that takes two steps."""
    options = ["quick"] if quick else []
    return {procedure: peak_of(MODULE, procedure, *options) for procedure in ("reference", "library")}


def peak_of(module: str, *arguments: str) -> float:
    """What ``python -m module arguments``, a process that takes steps and prints its peak, prints."""
    command = [sys.executable, "-m", module, *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def main(procedure: str, quick: bool) -> None:
    """Take two steps and print the peak."""
    size = QUICK if quick else Size()
    spec = task(dict(size.widths))
    batch = train_batches(spec, size.shrink)[0]
    model = build(spec, size)
    if procedure == "reference":
        reference = Reference(model)
        reference.prepare(batch)
        step = reference.train
    else:
        step = Library(model).variants()["exact_float32"]
    for _ in range(2):
        step(batch)
    print(peak())


def peak() -> float:
    """MiB of this process so far.

    Linux hands the peak of the parent down to ``ru_maxrss`` of a child; VmHWM is the child's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        if found:
            return int(found[1]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main(sys.argv[1], "quick" in sys.argv[2:])
