"""Who sees a training is chosen by one word, and nobody is needed."""

from __future__ import annotations

import pickle
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crossspace.errors import MissingExtraError
from crossspace.training import tracking
from crossspace.training.history import scalars, step_line
from crossspace.training.tracking import TRACKERS, check_tracker, sinks_for


def epoch(number: int) -> list[dict[str, Any]]:
    """The records of an epoch with two steps."""
    names = ("losses/fused", "weights/fused", "cosines/fused/unimodal")
    steps = [step_line(0, number, 2 * number + s, 0.1, names, (1.5, 1.0, -0.5)) for s in (0, 1)]
    scores = {"weighted_f1": 0.25 * number, "accuracy": 0.5, "loss": 1.0}
    decided = {
        "kind": "epoch",
        "seed": 0,
        "epoch": number,
        "split": "validation",
        "scores": scores,
        "best": True,
        "seconds": 0.1,
    }
    return [*steps, decided]


def test_scalars_are_every_number_that_was_measured_with_its_place() -> None:
    step, _, decided = epoch(3)
    assert {name: (value, at) for name, value, at in scalars(step)} == {
        "losses/fused": (1.5, 6),
        "weights/fused": (1.0, 6),
        "cosines/fused/unimodal": (-0.5, 6),
        "learning_rate": (0.1, 6),
    }
    assert ("validation/weighted_f1", 0.75, 3) in scalars(decided) and len(scalars(decided)) == 3


def test_scores_are_called_by_the_split_they_belong_to_in_old_histories_too() -> None:
    _, _, decided = epoch(1)
    assert {name for name, _, _ in scalars({**decided, "split": "test"})} == {
        "test/weighted_f1", "test/accuracy", "test/loss",
    }  # fmt: skip
    old = {key: value for key, value in decided.items() if key not in ("split", "scores")}
    assert ("validation/accuracy", 0.5, 1) in scalars({**old, "validation": decided["scores"]})


def test_none_is_nobody_and_leaves_no_trace(tmp_path: Path) -> None:
    assert sinks_for("none", tmp_path) == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [MissingExtraError("no"), ImportError("broken")])
def test_auto_falls_back_silently(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(folder: Path) -> None:
        raise error

    monkeypatch.setattr(tracking, "TensorBoardSink", absent)
    assert sinks_for("auto", tmp_path) == []
    found = capsys.readouterr()
    assert found.out == found.err == ""


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_tracker_asked_for_by_name_must_be_there(name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    for ask in (partial(check_tracker, name), partial(sinks_for, name, tmp_path)):
        with pytest.raises(MissingExtraError, match=rf"crossspace\[{name}\]"):
            ask()
    check_tracker("auto")


def test_the_choice_can_be_sent_to_another_process(tmp_path: Path) -> None:
    made = partial(sinks_for, "none", store=tmp_path, parameters={"model": {"width": 8}}, tags={"corpus": "c"})
    assert pickle.loads(pickle.dumps(made))(tmp_path) == []
    assert TRACKERS == ("auto", "none", "tensorboard", "mlflow")


def test_tensorboard_gets_every_scalar(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (sink,) = sinks_for("tensorboard", tmp_path)
    sink.write(epoch(0))
    sink.close()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [e.step for e in events.Scalars("losses/fused")] == [0, 1]
    assert events.Scalars("validation/accuracy")[0].value == 0.5


@pytest.fixture
def client(tmp_path: Path) -> Any:
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_resumed_training_goes_on_with_its_mlflow_run_and_repeats_nothing(client: Any, tmp_path: Path) -> None:
    make = partial(sinks_for, "mlflow", tmp_path / "seed-0", parameters={"model": {"width": 8}}, tags={"corpus": "c"})
    (tmp_path / "seed-0").mkdir()
    (sink,) = make()
    sink.write(epoch(0))
    sink.write(epoch(1))  # the training is killed before its checkpoint knows of this epoch
    (again,) = make()
    again.write(epoch(1))
    again.write(epoch(2))
    again.close()
    (run,) = client.search_runs([client.get_experiment_by_name("crossspace").experiment_id])
    steps = [m.step for m in client.get_metric_history(run.info.run_id, "losses/fused")]
    epochs = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "validation/weighted_f1")]
    assert steps == [0, 1, 2, 3, 4, 5] and epochs == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert run.data.params == {"model.width": "8"} and run.data.tags["corpus"] == "c"
    assert run.info.status == "FINISHED" and run.info.run_name == f"{tmp_path.name}/seed-0"


def test_trainings_may_share_a_store(client: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (sink,) = sinks_for("mlflow", tmp_path / name / "seed-0", store=tmp_path, name=name)
        sink.write(epoch(0))
        sink.close()
    runs = client.search_runs([client.get_experiment_by_name("crossspace").experiment_id])
    assert {run.info.run_name for run in runs} == {"a", "b"}
