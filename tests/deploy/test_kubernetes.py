"""The indexed Job of Kubernetes does all shares of an extraction, and the Job after it the merge."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture
def jobs(deploy: Path) -> dict[str, dict[str, Any]]:
    return {job["metadata"]["name"]: job for job in yaml.safe_load_all((deploy / "kubernetes.yaml").read_text())}


def _container(job: dict[str, Any]) -> dict[str, Any]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return container


def _run(job: dict[str, Any], **environment: str) -> None:
    container = _container(job)
    given = {entry["name"]: entry["value"] for entry in container.get("env", ())}
    subprocess.run(
        [*container["command"], *container.get("args", ())], env=os.environ | given | environment, check=True
    )


def test_pods_do_every_share_and_then_merge(
    jobs: dict[str, Any], stand_ins: Callable[..., Any], check_extraction: Callable[[list[list[str]], int], None]
) -> None:
    calls = stand_ins(crossspace="")
    extract, merge = jobs["crossspace-extract"], jobs["crossspace-merge"]
    assert extract["spec"]["completionMode"] == "Indexed"
    for index in range(extract["spec"]["completions"]):
        _run(extract, JOB_COMPLETION_INDEX=str(index))
    _run(merge)
    check_extraction(calls("crossspace"), extract["spec"]["completions"])


def test_jobs_hold_what_kubernetes_asks_of_them(jobs: dict[str, Any]) -> None:
    assert len(jobs) == 2
    for job in jobs.values():
        pod = job["spec"]["template"]["spec"]
        assert (job["apiVersion"], job["kind"], pod["restartPolicy"]) == ("batch/v1", "Job", "Never")
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        mounted = {mount["name"]: mount["mountPath"] for mount in _container(job)["volumeMounts"]}
        assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
        assert _container(job)["workingDir"] in mounted.values()
        assert all(isinstance(entry["value"], str) for entry in _container(job).get("env", ()))


def test_the_commands_in_its_head_choose_one_job_after_the_other(
    jobs: dict[str, Any], said_in: Callable[[str], str]
) -> None:
    first, wait, second = (line.split() for line in said_in("kubernetes.yaml").splitlines())
    steps = [words[words.index("-l") + 1] for words in (first, second)]
    chosen = [[n for n, j in jobs.items() if f"step={j['metadata']['labels']['step']}" == step] for step in steps]
    assert chosen == [["crossspace-extract"], ["crossspace-merge"]] and wait[-1] == "job/crossspace-extract"
