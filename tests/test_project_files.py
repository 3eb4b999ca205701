"""The files around the package say what the package says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def _jobs() -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))["jobs"]


def test_the_workflow_tests_the_pythons_that_the_package_names_on_three_systems() -> None:
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PROJECT)
    matrix = _jobs()["systems"]["strategy"]["matrix"]
    assert matrix["python"] == named == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert f'requires-python = ">={named[0]}"' in PROJECT
    assert len(matrix["os"]) == 3


def test_the_workflow_calls_targets_and_folders_that_there_are() -> None:
    steps = " ".join(step.get("run", "") for job in _jobs().values() for step in job["steps"])
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = {target for words in re.findall(r"make ([\w -]+)", steps) for target in words.split()}
    assert {"check", "docs", "demo", "test", "test-lowest"} <= called & targets
    assert [name for name in re.findall(r"tests/\w+(?=\s)", steps) if not (ROOT / name).is_dir()] == []


def test_templates_and_settings_can_be_read() -> None:
    files = [*(ROOT / ".github").rglob("*.yml"), ROOT / ".readthedocs.yaml", ROOT / "CITATION.cff"]
    assert len(files) == 6
    assert all(isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict) for path in files)


def test_every_extra_stands_on_the_page_that_says_what_it_weighs() -> None:
    page = (ROOT / "docs" / "guides" / "install.md").read_text(encoding="utf-8")
    extras = PROJECT[PROJECT.index("[project.optional-dependencies]") : PROJECT.index("[project.scripts]")]
    named = set(re.findall(r"^(\w+) = \[", extras, re.MULTILINE)) - {"test", "check", "docs"}
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("|"))
    assert len(named) > 10 and named == set(re.findall(r"`(\w+)`", rows))
