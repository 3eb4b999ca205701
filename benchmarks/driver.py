"""``python -m benchmarks.driver``: the memory of the process that gives the work out, as conversations grow in number.

``extract`` reads a manifest of transcripts with an extractor that counts letters, so that what is measured is the
driver; ``predict`` reads a generated corpus. Both work in two processes beside the one that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

COUNTS = (1_000, 10_000, 100_000)
_PROGRAM = [sys.executable, "-m", "crossspace"]
_WORDS = ("well", "then", "so what", "did you think", "of the new", "plan that", "they made", "for us yesterday")
_LETTERS = '''
"""Counts letters."""
from typing import ClassVar
import numpy as np
from crossspace.features.extractors.base import TextExtractor


class Letters(TextExtractor):
    """The number of letters, in 64 numbers."""

    name, licence, width, version, cached = "letters", "none", 64, "1", False
    parameters: ClassVar[dict] = {}

    def extract(self, items):
        return [np.full(64, len(text), np.float32) for text in items]
'''


def manifest(folder: Path, count: int) -> Path:
    """Transcripts of six to twelve utterances in folders of a thousand, and the list of them."""
    draw, lines = random.Random(0), ["media,transcript"]
    for number in range(count):
        file = folder / f"{number // 1000}" / f"talk{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        said = (
            f"{draw.choice(['ANN', 'BEN'])}: {' '.join(draw.choices(_WORDS, k=draw.randint(2, 12)))}" for _ in range(9)
        )
        file.write_text("\n".join(said) + "\n")
        lines.append(f",{file.relative_to(folder)}")
    (folder / f"{count}.csv").write_text("\n".join(lines) + "\n")
    return folder / f"{count}.csv"


def measured(words: Sequence[str]) -> dict[str, float]:
    """Seconds of a command and the largest memory of its own process, in MiB."""
    began = time.monotonic()
    code = (
        "import resource, sys; from crossspace.cli.main import main; code = main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return {"seconds": round(time.monotonic() - began, 1), "mib": round(int(done.stderr.split()[-1]) / 1024)}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to work in, new")
    folder = parser.parse_args().out
    folder.mkdir(parents=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    (folder / "letters.py").write_text(_LETTERS)
    run, small = folder / "run", folder / "small.parquet"
    subprocess.run([*_PROGRAM, "data", "synthesize", str(small)], check=True, stdout=subprocess.DEVNULL)
    recipe = ["--recipe", "css-synthetic", "--training.epochs", "1", "--quiet"]
    subprocess.run([*_PROGRAM, "train", *recipe, "--data", str(small), "--out", str(run)], check=True)
    idle = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"a process that trains the model and does nothing of this: {idle:.0f} MiB at most")
    found: dict[str, dict[int, dict[str, float]]] = {"extract": {}, "predict": {}}
    print("| conversations | extract, MiB | seconds | predict, MiB | seconds |\n|---:|---:|---:|---:|---:|")
    for count in COUNTS:
        made, corpus = manifest(folder / "talks", count), folder / f"{count}.parquet"
        words = ["extract", str(made), str(folder / f"e{count}.parquet"), "--text", "letters"]
        words += ["--import", str(folder / "letters.py"), "--cache", str(folder / "cache"), "--jobs", "2", "--quiet"]
        found["extract"][count] = measured(words)
        sizes = ["--train", "1", "--validation", "1", "--test", str(count), "--longest", "12"]
        subprocess.run([*_PROGRAM, "data", "synthesize", str(corpus), *sizes], check=True, stdout=subprocess.DEVNULL)
        words = ["predict", str(run), str(corpus), "--out", str(folder / f"p{count}.parquet"), "--jobs", "2", "--quiet"]
        found["predict"][count] = measured(words)
        one, two = found["extract"][count], found["predict"][count]
        print(f"| {count:,} | {one['mib']} | {one['seconds']} | {two['mib']} | {two['seconds']} |", flush=True)
    (folder / "driver.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
