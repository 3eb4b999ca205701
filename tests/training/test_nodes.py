"""Two machines, each with an agent of torchrun on loopback, train as one process does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from crossspace.cli.main import main
from crossspace.errors import UsageError
from crossspace.training.devices import Devices
from crossspace.training.processes import is_first_process
from tests.training import on_nodes

pytestmark = pytest.mark.long

_ROOT = Path(__file__).parents[2]


def on_two_nodes(*program: str) -> list[subprocess.CompletedProcess[str]]:
    """Run a module with its words under two agents, as two machines would; what became of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    words += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    agents = [
        subprocess.Popen(
            [*words, "--node-rank", str(rank), "-m", *program],
            cwd=_ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for rank in range(2)
    ]
    try:
        said = [agent.communicate(timeout=600)[0] for agent in agents]
    finally:
        for agent in agents:
            agent.kill()
    return [subprocess.CompletedProcess(a.args, a.returncode, text) for a, text in zip(agents, said, strict=True)]


@pytest.fixture(scope="module")
def trained(once: Callable[..., Path], corpus_file: Path) -> Path:
    def fill(folder: Path) -> None:
        for agent in on_two_nodes("tests.training.on_nodes", str(corpus_file), str(folder / "two")):
            assert agent.returncode == 0, agent.stdout
        # One process begins, and two go on within the second epoch.
        with pytest.raises(on_nodes.Killed):
            alone(corpus_file, folder / "begun", ["6"])
        for agent in on_two_nodes("tests.training.on_nodes", str(corpus_file), str(folder / "begun")):
            assert agent.returncode == 0, agent.stdout

    return once("two-nodes", fill)


def alone(corpus: Path, folder: Path, words: Sequence[str] = ()) -> None:
    with pytest.MonkeyPatch.context() as patch:  # the module puts its own in their place
        for module in (on_nodes.trainer, on_nodes.order):
            patch.setattr(module, "batch_of", module.batch_of)
        on_nodes.main(str(corpus), str(folder), *map(int, words))


@pytest.mark.parametrize("begun_by", ["two", "begun"])
def test_two_machines_end_where_one_process_ends_also_when_one_process_had_begun(
    begun_by: str, trained: Path, corpus_file: Path, tmp_path: Path
) -> None:
    alone(corpus_file, tmp_path)
    expected = torch.load(tmp_path / "0.pt", weights_only=True)
    for rank in (0, 1):
        found = torch.load(trained / begun_by / f"{rank}.pt", weights_only=True)
        assert (found["world"], expected["world"]) == (2, 1)
        for name, tensor in expected["weights"].items():
            torch.testing.assert_close(found["weights"][name], tensor, rtol=0, atol=1e-12)


def test_the_command_trains_on_two_machines(corpus_file: Path, tmp_path: Path) -> None:
    words = ["train", "--data", str(corpus_file), "--quiet", "--device", "cpu", "--model.width=8", "--model.heads=2"]
    words += ["--training.epochs", "2", "--seeds", "2", "--out", str(tmp_path / "run")]
    for agent in on_two_nodes("crossspace", *words):
        assert agent.returncode == 0, agent.stdout
    assert (tmp_path / "run" / "report.html").exists()
    assert main(["evaluate", str(tmp_path / "run"), str(corpus_file)]) == 0


def test_nodes_without_anybody_who_says_which_is_which_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "NODE_RANK", "SLURM_STEP_NUM_NODES", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="torchrun"):
        Devices("cpu", nodes=2)
    with pytest.raises(UsageError, match="at least 1"):
        Devices("cpu", nodes=0)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("NODE_RANK", "1")
    assert Devices("cpu", 3, nodes=2).processes == 6
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert Devices("cpu").processes == 8
    with pytest.raises(UsageError, match="4 processes on each of 2 machines"):
        Devices("cpu", 3)


@pytest.mark.parametrize(
    ("told", "first"),
    [
        ({}, True),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "4", "LOCAL_RANK": "0"}, False),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "1", "LOCAL_RANK": "0"}, False),
        ({"SLURM_PROCID": "3"}, False),
    ],
)
def test_one_process_of_all_machines_is_the_first(
    told: dict[str, str], first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert is_first_process() is first
