"""Runs whose folder is on a store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crossspace.cli.main import main
from crossspace.engine import beating, owner, watch
from crossspace.engine.beating import TakenOverError
from crossspace.engine.claim import claimed
from crossspace.errors import CrossspaceWarning, UsageError, WritingError
from crossspace.experiment import mirror, run
from crossspace.experiment.folder import RunFolder
from crossspace.experiment.mirror import mirrored
from crossspace.predict import Predictor
from crossspace.stores import place

_WORDS = [
    *("--model", "bc-lstm", "--model.width", "8", "--balancer", "fixed", "--training.epochs", "2"),
    *("--device", "cpu", "--quiet", "--track", "none"),
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(watch, "PATIENCE", 0.4)
    return tmp_path / "cache"


def _train(*words: str | Path) -> int:
    return main(["train", *_WORDS, *map(str, words)])


def _files(where: str) -> list[str]:
    return sorted(str(one.way_from(where)) for one in _address(where).below())


def _weights(predictor: Predictor) -> dict[str, Any]:
    return predictor.model.state_dict()


def _address(where: str) -> Any:
    return place(where)


def _interrupted(where: str, more: str) -> Path:
    """The folder of a run that wrote something more and was interrupted."""
    with suppress(KeyboardInterrupt), mirrored(_address(where), resume=True) as going:
        with (going.folder / "config.yaml").open("a") as file:
            file.write(more)
        raise KeyboardInterrupt
    return going.folder


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the drawing of figures where a test is not about them."""
    monkeypatch.setattr(run, "write_report", lambda folder: (folder / "report.html").write_text("report"))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of what is mirrored, in order."""
    names: list[str] = []
    put = mirror.put_file

    def spy(address: Any, source: Path) -> None:
        put(address, source)
        names.append(str(address))

    monkeypatch.setattr(mirror, "put_file", spy)
    return names


def test_a_run_on_a_store_is_the_local_one(
    memory: str, corpus_file: Path, tmp_path: Path, sent: list[str], capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    assert main(["data", "split", str(corpus_file), f"{memory}/c.parquet", "--fraction", "0.3"]) == 0
    assert _train("--data", f"{memory}/c.parquet", "--out", f"{memory}/runs/one") == 0
    assert f"Report: {memory}/runs/one/report.html" in capsys.readouterr().out
    assert _train("--data", f"{memory}/c.parquet", "--out", tmp_path / "one") == 0
    local = sorted(p.relative_to(tmp_path / "one").as_posix() for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert [name for name in _files(f"{memory}/runs/one") if name != ".writer"] == local
    results = (tmp_path / "one" / "results.json").read_text()
    assert place(f"{memory}/runs/one/results.json").read_text() == results
    stored, here = Predictor.from_pretrained(f"{memory}/runs/one"), Predictor.from_pretrained(tmp_path / "one")
    assert all(_weights(stored)[name].equal(value) for name, value in _weights(here).items())
    assert f"data: {memory}/c.parquet" in place(f"{memory}/runs/one/config.yaml").read_text()
    # What rests on others came after them, and nothing stays behind here.
    ends = [name.removeprefix(f"{memory}/runs/one/") for name in sent]
    assert ends[-1] == "report.html"
    assert ends.index("seed-0/result.json") > ends.index("seed-0/model.safetensors")
    assert not list(cache.glob("runs/*/one"))


def test_evaluation_reads_all_from_a_store(memory: str, corpus_file: Path, no_report: None) -> None:
    assert _train("--data", corpus_file, "--out", f"{memory}/run", "--seeds", "2") == 0
    place(f"{memory}/c.parquet").write_bytes(corpus_file.read_bytes())
    assert main(["evaluate", f"{memory}/run", f"{memory}/c.parquet", "--out", f"{memory}/scores.json"]) == 0
    scores = json.loads(place(f"{memory}/scores.json").read_text())
    assert scores["metrics"] == json.loads(place(f"{memory}/run/results.json").read_text())["metrics"]


def test_a_folder_that_holds_something_is_refused(
    memory: str, corpus_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place(f"{memory}/run/mine.txt").write_text("mine")
    assert _train("--data", corpus_file, "--out", f"{memory}/run") == 2
    assert "holds other files" in capsys.readouterr().err
    place(f"{memory}/run/config.yaml").write_text("seeds: [0]")
    assert _train("--data", corpus_file, "--out", f"{memory}/run") == 2
    assert f"{memory}/run already holds a run" in capsys.readouterr().err
    assert _files(f"{memory}/run") == ["config.yaml", "mine.txt"]
    assert _train("--data", corpus_file, "--out", f"{memory}/run", "--processes", "2") == 2
    with pytest.raises(UsageError, match="on a store"):
        RunFolder(f"{memory}/x")


def test_a_finished_run_is_resumed_by_doing_nothing(
    memory: str, corpus_file: Path, sent: list[str], no_report: None
) -> None:
    assert _train("--data", corpus_file, "--out", f"{memory}/run") == 0
    sent.clear()
    assert main(["train", "--resume", "--out", f"{memory}/run", "--quiet", "--track", "none", "--device", "cpu"]) == 0
    assert sent == []


_KILLED = """
import os, signal, sys, threading
from crossspace.cli.main import main
from crossspace.experiment import mirror
from crossspace.training import checkpoint

mirror.BEAT, put_file, save_checkpoint = 0.1, mirror.put_file, checkpoint.save_checkpoint
saved = []

def put(address, file):
    put_file(address, file)
    if address.name == "checkpoint.pt":
        os.kill(os.getpid(), signal.SIGKILL)

def save(folder, state):
    save_checkpoint(folder, state)
    saved.append(folder)
    if len(saved) == 4:  # the training waits for it, and is not done before it is killed
        threading.Event().wait()

mirror.put_file, checkpoint.save_checkpoint = put, save
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.long
def test_a_killed_run_goes_on_on_another_machine_to_the_same_end(
    bucket: str, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_report: None
) -> None:
    words = ["--data", str(corpus_file), "--training.epochs", "12", "--training.patience", "12"]
    words += ["--checkpoint-seconds", "0"]
    out = f"{bucket}/run"
    program = [sys.executable, "-c", _KILLED, "train", *_WORDS, *words, "--out", out]
    killed = subprocess.run(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    assert "seed-0/checkpoint.pt" in _files(out)
    assert not place(f"{out}/results.json").exists()
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "another"))
    # By the number of its process this machine would know at once that it is dead.
    with monkeypatch.context() as patch:
        patch.setattr(owner, "this_boot", lambda: "another machine")
        with pytest.warns(CrossspaceWarning, match="is held by process"), claimed(out):
            pass
    assert _train(*words, "--out", out, "--resume") == 0
    assert _train(*words, "--out", tmp_path / "whole") == 0
    stored, whole = Predictor.from_pretrained(out), Predictor.from_pretrained(tmp_path / "whole")
    assert all(_weights(stored)[name].equal(value) for name, value in _weights(whole).items())
    assert place(f"{out}/results.json").read_text() == (tmp_path / "whole" / "results.json").read_text()
    assert not any(".claim" in name or name.endswith("checkpoint.pt") for name in _files(out))


def test_whatever_a_kill_leaves_on_the_store_is_a_run_or_nothing(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(mirror, "put_file", lambda address, file: sent.append(str(address)))
    with mirrored(_address(memory), resume=False) as going:
        for name in ("a.txt", "seed-0/checkpoint.pt", "seed-0/history.jsonl", "config.yaml", "results.json"):
            (going.folder / name).parent.mkdir(exist_ok=True)
            (going.folder / name).write_text("x")
        going.send()
    # Cut off anywhere, there is the file by which a run is known.
    assert len(sent) == 5 and sent[0] == f"{memory}/config.yaml" and sent[-1] == f"{memory}/results.json"


def test_who_was_taken_for_dead_finds_out_and_writes_no_more(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beating, "BEAT", 3600.0)  # it stands still

    def work() -> None:
        with mirrored(_address(memory), resume=False) as going:
            (going.folder / "config.yaml").write_text("x")
            with monkeypatch.context() as patch:
                patch.setattr(owner, "this_boot", lambda: "another machine")
                with claimed(memory):
                    pass

    with pytest.warns(CrossspaceWarning), pytest.raises(TakenOverError, match="taken over"):
        work()
    assert _files(memory) == [".writer"]


def test_the_same_machine_goes_on_where_it_was(memory: str, cache: Path) -> None:
    folder = _interrupted(memory, "x")
    (folder / "further").write_text("y")  # as a kill leaves it, before it was brought there
    with mirrored(_address(memory), resume=True) as again:
        assert (again.folder / "further").read_text() == "y"
    assert "further" in _files(memory)


def test_what_another_machine_wrote_since_is_what_counts(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for machine in "abab":
        monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / machine))
        _interrupted(memory, machine)
    assert place(f"{memory}/config.yaml").read_text() == "abab"


def test_a_store_that_is_gone_at_the_end_keeps_the_run_here(
    bucket: str, elsewhere: Callable[[str], None], cache: Path
) -> None:
    def work() -> None:
        with mirrored(_address(f"{bucket}/run"), resume=False) as going:
            (going.folder / "config.yaml").write_text("x")
            elsewhere("http://127.0.0.1:9")

    with pytest.raises(WritingError, match=rf"(?s)nobody answers.*{cache}.*--resume"):
        work()
    assert [path.read_text() for path in cache.glob("runs/*/run/config.yaml")] == ["x"]
