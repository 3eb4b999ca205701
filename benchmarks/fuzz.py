"""Give every reader damaged and forged files: ``python -m benchmarks.fuzz --files 20000``.

Each file is fixed by the seed, the reader and its number, so that a line of the report is enough to make it again
(``--only READER --number N`` does). Right is that a reader reads a file or refuses it with a message; a traceback, a
signal, a timeout, memory without bounds, or another content read from a file that a digest protects, are faults.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.processes import outcomes
from benchmarks.fuzzing.readers import READERS, Reader
from crossspace.data.importers import IMPORTERS
from crossspace.models import MODELS

FAULTS = ("traceback", "memory", "signal", "timeout", "changed")
_NAMES = {reader.name: reader for reader in READERS}
_MEMORY = "more memory than there is"


def prepare(folder: Path, readers: Sequence[Reader] = READERS) -> None:
    """Write the valid files of the readers, those that several share once."""
    made: dict[str, Path] = {}
    for reader in readers:
        target = folder / reader.name
        if repr(reader.make) in made:
            shutil.copytree(made[repr(reader.make)], target)
            continue
        target.mkdir(parents=True)
        reader.make(target)
        made[repr(reader.make)] = target


def damaged(reader: Reader, seeds: Path, seed: int, number: int) -> bytes:
    """The file that a reader gets under a number."""
    draw = random.Random(f"{seed} {reader.name} {number}")
    mutate = draw.choice(reader.mutations)
    return mutate((seeds / reader.name / reader.file).read_bytes(), draw)


def load_libraries() -> None:
    """Import what readers import, so that the memory of libraries is not taken for that of a file."""
    for name in ("cli.main", "experiment.run", "predict", "studies.plan", "transcripts", "data.store.validate"):
        importlib.import_module(f"crossspace.{name}")
    for components in (MODELS, IMPORTERS):
        list(components.values())


def attempt(job: tuple[str, str, int, int] | None) -> tuple[str, str]:
    """Read one damaged file; of no job, load what reading needs."""
    from crossspace.errors import CrossspaceError

    if job is None:
        load_libraries()
        return "ready", ""
    seeds, name, seed, number = job
    reader = _NAMES[name]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(seeds) / name, Path(folder) / "x")
        path = Path(folder) / "x" / reader.file
        path.write_bytes(damaged(reader, Path(seeds), seed, number))
        try:
            found = reader.read(path)
        except CrossspaceError as error:
            return ("memory" if _MEMORY in str(error) else "refused"), str(error)[:300]
        except BaseException as error:
            return ("memory" if isinstance(error, MemoryError) else "traceback"), _where(error)
    if reader.sealed and found != _whole(reader, seeds):
        return "changed", f"read {found}"
    return "read", ""


@lru_cache
def _whole(reader: Reader, seeds: str) -> Any:
    return reader.read(Path(seeds) / reader.name / reader.file)


def _where(error: BaseException) -> str:
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "crossspace" in code.co_filename:
            place = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}: {str(error)[:150]!r}"


def run(
    files: int,
    seed: int = 0,
    names: Sequence[str] = tuple(_NAMES),
    processes: int = 2,
    mebibytes: int = 1024,
    seconds: float = 5.0,
) -> list[dict[str, Any]]:
    """Every reader named, on its share of so many files: what became of each."""
    readers = [_NAMES[name] for name in names]
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), readers)
        jobs = [(folder, readers[i % len(readers)].name, seed, i // len(readers)) for i in range(files)]
        done = outcomes(attempt, jobs, processes=processes, mebibytes=mebibytes, seconds=seconds)
        return [{"reader": job[1], "number": job[3], "outcome": o, "detail": d} for job, o, d in done]


def main() -> int:
    """Report files by reader and outcome, and an example of every fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="readers whose name begins so")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--mebibytes", type=int, default=1024, help="that a process may take beyond its libraries")
    parser.add_argument("--seconds", type=float, default=5.0, help="that a file may take")
    parser.add_argument("--number", type=int, help="write this one damaged file of the reader --only to --out")
    parser.add_argument("--out", type=Path, help="the damaged file, or what became of every file as lines of JSON")
    given = parser.parse_args()
    if given.number is not None:
        reader = _NAMES[given.only]
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), [reader])
            given.out.write_bytes(damaged(reader, Path(folder), given.seed, given.number))
        return 0
    names = [name for name in _NAMES if name.startswith(given.only)]
    found = run(given.files, given.seed, names, given.processes, given.mebibytes, given.seconds)
    if given.out:
        given.out.write_text("".join(json.dumps(line) + "\n" for line in found))
    return _report(found)


def _report(found: list[dict[str, Any]]) -> int:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    examples: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in sorted(found, key=lambda line: line["number"]):
        counts[line["reader"]][line["outcome"]] += 1
        if line["outcome"] in FAULTS:
            examples.setdefault((line["reader"], line["outcome"], line["detail"].split(":'")[0][:60]), line)
    columns = ("read", "refused", *FAULTS)
    print(" ".join(["reader".ljust(32), *(name.rjust(9) for name in columns)]))
    for reader in counts:
        print(" ".join([reader.ljust(32), *(str(counts[reader][name]).rjust(9) for name in columns)]))
    for line in examples.values():
        print(f"{line['outcome']}: {line['reader']} --number {line['number']}: {line['detail']}")
    return int(bool(examples))


if __name__ == "__main__":
    sys.exit(main())
