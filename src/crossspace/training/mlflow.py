"""The history as metrics of an MLflow run."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from crossspace.runtime import optional_import, write_text
from crossspace.training.history import scalars

FILE = "mlflow.db"
_RUN = "mlflow.json"
_BATCH = 1000
"""The most metrics that MLflow takes at once."""
_LONGEST = 500
"""Characters of a parameter; every version of MLflow takes so many."""


class MLflowSink:
    """Writes losses, weights, norms, cosines and learning rate per step and scores per epoch to an SQLite store.

    A training that is resumed goes on with its MLflow run, whose id is in ``mlflow.json`` of its folder, and repeats
    no value that is in the store already. Models and reports stay in the run folder and are not copied. Trainings that
    share a store take turns.

    Args:
        store: folder of ``mlflow.db``; trainings that share it stand side by side in MLflow.
        run_name: what MLflow calls the training.
        parameters: of the run; nested ones get dotted names.
        tags: of the run.
        keep: folder that keeps the id of the run; ``store`` if not given.
        experiment: the heading under which MLflow lists the run.

    Raises:
        MissingExtraError: the extra ``mlflow`` is not installed.
    """

    def __init__(
        self,
        store: Path,
        run_name: str,
        parameters: Mapping[str, Any],
        tags: Mapping[str, str],
        *,
        keep: Path | None = None,
        experiment: str = "crossspace",
    ) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # a training calls nobody
        optional_import("mlflow", extra="mlflow")
        optional_import("sqlalchemy", extra="mlflow")
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        store.mkdir(parents=True, exist_ok=True)
        # SQLite lets one process write at a time, and MLflow makes its tables without asking whether another process is
        # making them.
        self._lock = FileLock(store / ".mlflow.lock")
        self._known: dict[str, int] = {}
        path = (keep or store) / _RUN
        with self._lock:
            self._client = MlflowClient(tracking_uri=f"sqlite:///{store.resolve() / FILE}")
            self._run = self._found(path)
            if self._run is None:
                number = self._experiment(experiment, store)
                self._run = self._client.create_run(number, run_name=run_name, tags=dict(tags)).info.run_id
                self._describe(parameters)
                write_text(path, json.dumps({"run_id": self._run}) + "\n")

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Log the values of ``records`` that are not in the store yet."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        new = [
            Metric(name, value, now, at)
            for record in records
            for name, value, at in scalars(record)
            # A resumed training repeats the steps since its checkpoint; MLflow would keep both values.
            if at > self._known.get(name, -1)
        ]
        with self._lock:
            for start in range(0, len(new), _BATCH):
                self._client.log_batch(self._run, metrics=new[start : start + _BATCH])

    def close(self) -> None:
        """Mark the run as finished."""
        with self._lock:
            self._client.set_terminated(self._run)

    def _experiment(self, name: str, store: Path) -> str:
        """The id of the experiment, made if it is not there."""
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return experiment.experiment_id
        # Nothing is put there, but without it MLflow would name a folder where the command was given.
        return self._client.create_experiment(name, artifact_location=(store.resolve() / "mlflow").as_uri())

    def _found(self, path: Path) -> str | None:
        """The id of the run to go on with, and how far each of its metrics got."""
        from mlflow.exceptions import MlflowException

        try:
            run_id = str(json.loads(path.read_text(encoding="utf-8"))["run_id"])
            run = self._client.get_run(run_id)
        except (OSError, ValueError, KeyError, MlflowException):
            return None
        for name in run.data.metrics:
            self._known[name] = max(metric.step for metric in self._client.get_metric_history(run_id, name))
        self._client.update_run(run_id, status="RUNNING")
        return run_id

    def _describe(self, parameters: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        flat = [Param(name, str(value)[:_LONGEST]) for name, value in _flat(parameters)]
        # The most parameters that MLflow takes at once.
        for start in range(0, len(flat), 100):
            self._client.log_batch(self._run, params=flat[start : start + 100])


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
