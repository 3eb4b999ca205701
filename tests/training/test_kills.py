"""A training of any model that is killed hard and taken up again ends bit for bit as one that was left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crossspace.models import MODELS
from tests.training.killed import DIGEST

pytestmark = pytest.mark.long

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained(once: Callable[..., Path], corpus_file: Path) -> Path:
    """What is left of both trainings of every model."""

    def fill(folder: Path) -> None:
        words = [sys.executable, "-m", "tests.training.killed", str(corpus_file), str(folder)]
        subprocess.run(words, check=True, cwd=_ROOT)

    return once("killed", fill)


def lines(folder: Path) -> list[dict]:
    found = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in found]


@pytest.mark.parametrize("name", sorted(MODELS.box))
def test_a_killed_and_resumed_training_ends_bitwise_as_one_that_was_not(name: str, trained: Path) -> None:
    ends = json.loads((trained / "ends.json").read_text())
    assert ends[name] == [-signal.SIGKILL, 0, True]
    straight, killed = (trained / name / which for which in ("straight", "killed"))
    assert len(lines(straight)) == 2 * (3 + 1) and lines(killed) == lines(straight)
    for file in ("model.safetensors", DIGEST):
        assert (killed / file).read_bytes() == (straight / file).read_bytes()
