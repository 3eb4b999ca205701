"""Small studies, run once and shared: tests read them and leave them as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from crossspace.cli.main import main

BASE = {
    "model": {
        "name": "css",
        "width": 8,
        "heads": 2,
        "fusion": {"order": 2, "rank": 4},
        "dropout": 0.2,
        "standardise": True,
    },
    "training": {"epochs": 2, "batch_size": 3, "learning_rate": 0.01},
}
FULL = {
    "base": BASE,
    "reference": "full",
    "variants": {
        "full": {"about": "everything", "published": [70.5, 71.5]},
        "fixed": {"about": "fixed | weights", "balancer": {"name": "fixed"}},
        "two": {"about": "two modalities", "training": {"modalities": ["text", "audio"]}},
    },
    "conditions": {"of": "full", "rates": [0.5]},
    "report": ["curves"],
}
BROKEN = {
    "base": BASE,
    "variants": {
        "fine": {"about": "goes well"},
        "broken": {"about": "goes wrong", "training": {"learning_rate": 1e30}},
    },
    "reference": "broken",
}


def _file(folder: Path, name: str, content: dict) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text("# A study of the tests.\n" + yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three variants, one of them tested with modalities missing."""
    return _file(tmp_path_factory.mktemp("study"), "full", FULL)


@pytest.fixture(scope="session")
def study_words(study_file: Path, corpus_file: Path) -> list[str]:
    """The command of the small study, but for its folder."""
    return [
        "study", "run", str(study_file), "--data", str(corpus_file), "--seeds", "2", "--jobs", "2", "--quiet",
        "--device", "cpu", "--track", "none",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def finished_study(study_words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three variants with two seeds each."""
    folder = tmp_path_factory.mktemp("finished-study") / "out"
    assert main([*study_words, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def broken_words(corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of a study of one seed of which a variant cannot be trained, all under either protocol."""
    folder = tmp_path_factory.mktemp("broken")
    return [
        "study", "run", str(_file(folder, "broken", BROKEN)), "--data", str(corpus_file), "--seeds", "1", "--jobs", "1",
        "--quiet", "--device", "cpu", "--track", "none", "--best-on-test", "--out", str(folder / "out"),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def broken_study(broken_words: list[str]) -> Path:
    """One seed, twins under best-on-test, and a variant that failed."""
    assert main(broken_words) == 1
    return Path(broken_words[-1])
