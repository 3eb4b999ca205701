"""The image is made of files that there are, has extras that there are, and is nobody's root."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossspace.cli.tree import parsers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def steps(deploy: Path) -> list[tuple[str, str]]:
    """``(instruction, arguments)`` of every step."""
    text = re.sub(r"^#.*\n", "", (deploy / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", "")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line]


@pytest.fixture
def project() -> dict[str, Any]:
    if sys.version_info < (3, 11):
        pytest.skip("reads TOML")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_what_is_copied_is_there_and_not_left_out(steps: list[tuple[str, str]], deploy: Path) -> None:
    copied = [name for instruction, words in steps if instruction == "COPY" for name in words.split()[:-1]]
    kept = [line[1:] for line in (deploy / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    assert sorted(copied) == sorted(kept) and all((ROOT / name).exists() for name in copied)


def test_extras_and_the_program_are_those_of_the_package(steps: list[tuple[str, str]], project: dict[str, Any]) -> None:
    arguments = dict(words.split("=") for instruction, words in steps if instruction == "ARG")
    assert arguments["TORCH"] == "cpu"
    assert {"text", "media", "ray"} <= set(arguments["EXTRAS"].split(",")) <= set(project["optional-dependencies"])
    assert dict(steps)["ENTRYPOINT"] == json.dumps(["crossspace"]) and "crossspace" in project["scripts"]


def test_what_is_built_into_the_package_is_in_the_image(steps: list[tuple[str, str]], project: dict[str, Any]) -> None:
    copied = " ".join(words for instruction, words in steps if instruction == "COPY").split()
    assert {project["readme"], *project["license-files"], "pyproject.toml", "src"} <= set(copied)


def test_nothing_runs_as_root(steps: list[tuple[str, str]]) -> None:
    instructions = [instruction for instruction, _ in steps]
    assert dict(steps)["USER"] != "root" and "RUN" not in instructions[instructions.index("USER") :]


def test_the_commands_in_its_head_are_of_docker_and_of_the_package(said_in: Callable[[str], str]) -> None:
    *builds, run = map(shlex.split, said_in("Dockerfile").splitlines())
    assert all(words[:4] == ["docker", "build", "-f", "deploy/Dockerfile"] and words[-1] == "." for words in builds)
    name, *words = run[run.index("crossspace") + 1 :]
    parsers()[name].parse_all(words)
