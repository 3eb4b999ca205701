"""Files with components of a user's own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("stranger.py").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def model_text() -> str:
    """The text of a file with a model, a balancer, an objective and an extractor."""
    return MODEL


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file of a user's own."""

    def at(name: str, text: str = MODEL) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return at
