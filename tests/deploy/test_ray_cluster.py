"""Ray's launcher understands the file of a cluster, and its commands are those of Ray and of this package."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossspace.cli.engine_options import engine_of
from crossspace.cli.tree import parsers
from crossspace.engine.engines import Ray

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster(deploy: Path) -> dict[str, Any]:
    return yaml.safe_load((deploy / "ray-cluster.yaml").read_text())


@pytest.fixture
def commands(said_in: Callable[[str], str]) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in said_in("ray-cluster.yaml").replace("\\\n", "").splitlines()]


def test_the_file_has_the_form_that_ray_asks_for(cluster: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    form = Path(ray.__file__).parent / "autoscaler" / "ray-schema.json"
    jsonschema.validate(cluster, json.loads(form.read_text()))
    assert cluster["provider"]["type"] == "local" and len(cluster["provider"]["worker_ips"]) == 2


def test_every_command_of_ray_is_one(commands: list[list[str]], cluster: dict[str, Any]) -> None:
    from ray.scripts.scripts import cli

    started = cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]
    given = [words[words.index("ray") + 1 :] for words in map(shlex.split, started) if "ray" in words]
    given += [words[1:] for words in commands if words[0] == "ray"]
    assert len(given) == 8
    for name, *words in given:
        cli.commands[name].make_context(name, words)


def test_the_study_in_its_head_runs_on_its_cluster(commands: list[list[str]], cluster: dict[str, Any]) -> None:
    (words,) = (shlex.split(words[-1]) for words in commands if words[:2] == ["ray", "exec"])
    assert words[:3] == ["~/crossspace/bin/crossspace", "study", "run"]
    options = parsers()["study run"].parse_all(words[3:])
    assert engine_of(options) == Ray(f"{cluster['provider']['head_ip']}:6379")
    assert options.address in (address for line in commands for address in line[-1].split("="))
