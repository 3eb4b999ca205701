"""Which trackers see a training, by one word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from crossspace.errors import MissingExtraError
from crossspace.runtime import optional_import
from crossspace.training.history import Sink
from crossspace.training.mlflow import MLflowSink
from crossspace.training.tensorboard import TensorBoardSink

Tracker = Literal["auto", "none", "tensorboard", "mlflow"]
TRACKERS: tuple[Tracker, ...] = ("auto", "none", "tensorboard", "mlflow")


def check_tracker(choice: Tracker) -> None:
    """Whether what was asked for by name is installed; better known before a training than in it.

    Raises:
        MissingExtraError: it is not.
    """
    if choice in ("tensorboard", "mlflow"):
        optional_import(choice, extra=choice)


def sinks_for(
    choice: Tracker,
    folder: Path,
    *,
    store: Path | None = None,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> list[Sink]:
    """The trackers of one training.

    Args:
        choice: ``none``; ``tensorboard``; ``mlflow``; or ``auto``, which is TensorBoard where it is installed.
        folder: of the training (a seed's), which keeps what a tracker needs to go on after an interruption.
        store: folder of the MLflow store, which several trainings may share; the parent of ``folder`` if not given.
        name: of the MLflow run; made of the last two parts of ``folder`` if not given.
        parameters: of the MLflow run, nested or flat.
        tags: of the MLflow run.

    Raises:
        MissingExtraError: what was asked for by name is not installed.
    """
    if choice == "mlflow":
        path = folder.resolve()
        name = name or f"{path.parent.name}/{path.name}"
        return [MLflowSink(store or folder.parent, name, parameters or {}, tags or {}, keep=folder)]
    if choice == "tensorboard":
        return [TensorBoardSink(folder / "tensorboard")]
    if choice == "auto":
        try:
            return [TensorBoardSink(folder / "tensorboard")]
        # TensorBoard may be there and PyTorch's writer still not import.
        except (MissingExtraError, ImportError):
            return []
    return []
