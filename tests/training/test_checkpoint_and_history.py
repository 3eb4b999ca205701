"""What is on the disk while a training goes on."""

from __future__ import annotations

import errno
import json
import os
import pickle
from pathlib import Path

import pytest
import torch

from crossspace.errors import CrossspaceError, DataError
from crossspace.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from crossspace.training.history import History, step_line
from crossspace.training.state import TrainingState


class Evil:
    """Something that writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.path,)


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    state = {"epoch": 3, "model": {"w": torch.randn(3)}, "best": {"score": 0.25}, "averaged": None}
    save_checkpoint(tmp_path, state)
    found = load_checkpoint(tmp_path)
    assert torch.equal(found["model"].pop("w"), state["model"].pop("w")) and found == state
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT]


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_checkpoint_cannot_execute_code(tmp_path: Path, how: str) -> None:
    trap = tmp_path / "trap"
    if how == "torch":
        torch.save({"epoch": Evil(trap)}, tmp_path / CHECKPOINT)
    else:
        (tmp_path / CHECKPOINT).write_bytes(pickle.dumps({"epoch": Evil(trap)}))
    with pytest.raises(DataError, match=CHECKPOINT):
        load_checkpoint(tmp_path)
    assert not trap.exists()


@pytest.mark.parametrize("size", [0, 1, 100, -10])
def test_a_damaged_checkpoint_is_told_and_not_taken_for_none(tmp_path: Path, size: int) -> None:
    save_checkpoint(tmp_path, {"epoch": 3, "model": {"w": torch.randn(300)}})
    content = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(content[:size])
    with pytest.raises(DataError, match="damaged"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_full_disk_leaves_the_old_state_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    save_checkpoint(tmp_path, {"epoch": 1})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(CrossspaceError, match="No space left on device"):
            save_checkpoint(tmp_path, {"epoch": 2})
    assert load_checkpoint(tmp_path) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT]


def test_history_forgets_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    length = history.append([{"kind": "step", "step": 0}])
    history.append([{"kind": "step", "step": 1}, {"kind": "epoch"}])
    history.truncate(length)
    history.append([{"kind": "step", "step": 2}])
    lines = [json.loads(line) for line in history.path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 2]


def test_records_of_steps_are_grouped_by_what_they_say() -> None:
    names = ["losses/fused", "parts/unimodal.text", "cosines/fused/unimodal"]
    record = step_line(7, 1, 12, 1e-3, names, [0.5, 0.25, -0.1])
    assert record == {
        "kind": "step",
        "seed": 7,
        "epoch": 1,
        "step": 12,
        "learning_rate": 1e-3,
        "losses": {"fused": 0.5},
        "parts": {"unimodal.text": 0.25},
        "cosines": {"fused/unimodal": -0.1},
    }


def test_history_tells_its_sinks_the_same_and_closes_them(tmp_path: Path) -> None:
    class Sink:
        def __init__(self) -> None:
            self.seen, self.closed = [], False

        def write(self, records: list) -> None:
            self.seen += records

        def close(self) -> None:
            self.closed = True

    sink = Sink()
    history = History(tmp_path / "history.jsonl", [sink])
    history.append([{"kind": "step"}])
    history.close()
    assert sink.seen == [{"kind": "step"}] and sink.closed


def test_what_another_release_remembers_of_a_step_is_refused_by_name(tmp_path):
    class Step:
        def load_state_dict(self, state):
            state["values"]

    state = object.__new__(TrainingState)
    state.folder, state.step, state._step = tmp_path, Step(), {"log_variances": 0}
    with pytest.raises(DataError, match=r"checkpoint\.pt.*by this release.*this seed starts again"):
        state.resume_step()
