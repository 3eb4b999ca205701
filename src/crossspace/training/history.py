"""The history of a training: one JSON line per step and per epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from crossspace.runtime import not_written


class Sink(Protocol):
    """Something that wants to see the history as it grows, such as TensorBoard."""

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Take note of ``records``."""

    def close(self) -> None:
        """There will be no more."""


class History:
    """A file of JSON lines that a resumed training continues where the checkpoint left it.

    Args:
        path: the file; it is created when the first records come.
        sinks: others who get the same records.
    """

    def __init__(self, path: Path, sinks: Sequence[Sink] = ()) -> None:
        self.path, self.sinks = path, list(sinks)

    def append(self, records: Sequence[dict[str, Any]]) -> int:
        """Write ``records`` and return the length of the file in bytes, for the checkpoint.

        Raises:
            WritingError: there is no space for them; what was half written is cut off when the training goes on.
        """
        # NaN is no JSON, and other readers of the file would fail on it.
        text = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        try:
            with open(self.path, "ab") as file:
                file.write(text.encode())
                file.flush()
                # Taken before the file closes: the checkpoint cuts off there what comes after it.
                length = file.tell()
        except OSError as error:
            raise not_written(self.path, error.strerror or str(error)) from error
        for sink in self.sinks:
            sink.write(records)
        return length

    def truncate(self, length: int) -> None:
        """Forget what was written after the checkpoint that knows ``length`` bytes."""
        if self.path.exists():
            with open(self.path, "rb+") as file:
                file.truncate(length)

    def close(self) -> None:
        """Tell the sinks that there will be no more."""
        for sink in self.sinks:
            sink.close()


def step_line(
    seed: int, epoch: int, step: int, rate: float, names: Sequence[str], values: Sequence[float]
) -> dict[str, Any]:
    """One step as a record; ``names`` are those of :class:`~crossspace.training.step.StepRecord`."""
    record: dict[str, Any] = {"kind": "step", "seed": seed, "epoch": epoch, "step": step, "learning_rate": rate}
    for name, value in zip(names, values, strict=True):
        group, _, key = name.partition("/")
        record.setdefault(group, {})[key] = value
    return record


def scalars(record: Mapping[str, Any]) -> list[tuple[str, float, int]]:
    """``(name, value, where)`` of every number in a record; ``where`` is its step, or its epoch for scores.

    Scores are called by the split they belong to, such as ``validation/weighted_f1``.
    """
    at = int(record["step"] if record["kind"] == "step" else record["epoch"])
    groups = {group: values for group, values in record.items() if isinstance(values, Mapping)}
    if "scores" in groups:
        # Trackers draw one axis per name: scores of different splits are not to share it.
        groups[str(record["split"])] = groups.pop("scores")
    numbers = [
        (f"{group}/{name}", float(value), at) for group, values in groups.items() for name, value in values.items()
    ]
    if "learning_rate" in record:
        numbers.append(("learning_rate", float(record["learning_rate"]), at))
    return numbers
