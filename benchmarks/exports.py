"""Every model as ONNX: how far ONNX Runtime is from PyTorch, how large the file is, how long the export takes.

``python -m benchmarks.exports`` takes some minutes on one core. Models have their published sizes, with features as
wide as those of IEMOCAP; weights are random, since the comparison does not depend on what was learned.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from crossspace.data.task import TaskSpec
from crossspace.errors import CrossspaceError
from crossspace.models import MODELS
from crossspace.onnx.description import MODEL
from crossspace.onnx.export import export
from crossspace.predict import Predictor

TASK = TaskSpec(
    ("happy", "sad", "neutral", "angry", "excited", "frustrated"),
    {"text": 1024, "audio": 1582, "visual": 342},
    speakers=("F", "M"),
)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=sorted(MODELS), help="which; all if none is named")
    print("| model | largest difference | MB | seconds |")
    print("|---|---:|---:|---:|")
    for name in parser.parse_args().models:
        print(row(name), flush=True)


def row(name: str) -> str:
    """One line of the table."""
    torch.manual_seed(0)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "out"
        try:
            found = export(Predictor(MODELS[name](TASK), name), folder)
        except CrossspaceError as error:
            return f"| {name} | {str(error).partition(': ')[2].partition('. ')[0]} | | |"
        size = (folder / MODEL).stat().st_size / 1e6
    return f"| {name} | {found.difference:.1e} | {size:.1f} | {time.monotonic() - begun:.0f} |"


if __name__ == "__main__":
    main()
