"""A run folder as training wrote it, read whole and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.digests import check_sums
from crossspace.errors import DataError
from crossspace.reading import check_format, reading

_FORMAT = 1

PROTOCOLS = ("validation", "best-on-test")
"""How an epoch may be chosen: on held-out training conversations, or on the very split that is reported."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """Everything that a finished run says about itself.

    Attributes:
        folder: where it lies.
        config: text of ``config.yaml``.
        environment: ``environment.json``.
        steps: the lines of ``history.jsonl`` of kind ``step``.
        epochs: the lines of ``history.jsonl`` of kind ``epoch``.
        results: ``results.json``.
        predictions: ``predictions.parquet``.
    """

    folder: Path
    config: str
    environment: dict[str, Any]
    steps: list[dict[str, Any]]
    epochs: list[dict[str, Any]]
    results: dict[str, Any]
    predictions: pa.Table

    @property
    def labels(self) -> list[str]:
        """Names of the emotions in index order."""
        return [str(label) for label in self.environment["corpus"]["labels"]]

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities in the order of the corpus."""
        return list(self.environment["corpus"].get("modalities", {}))

    @property
    def protocol(self) -> str:
        """``validation`` or ``best-on-test``."""
        return str(self.results["protocol"])

    @property
    def seeds(self) -> list[int]:
        """The seeds that were trained and scored."""
        return [int(seed) for seed in self.results["seeds"]]

    @classmethod
    def read(cls, folder: str | Path) -> RunRecord:
        """Read the run in ``folder``.

        Raises:
            DataError: the folder or one of its files is missing, damaged, or does not fit the others.
        """
        folder = Path(folder)
        if not folder.is_dir():
            kind = "a file" if folder.exists() else "nothing"
            raise DataError(f"{folder} should be the folder of a run. Found {kind}. Check the path.")
        # Before the files are read: damage is better named than tried.
        check_sums(folder)
        # Values of another type than expected, deep inside, are the folder's fault too.
        with reading(folder, "the folder of a finished run", "Restore it or run again."):
            return cls._read(folder)

    @classmethod
    def _read(cls, folder: Path) -> RunRecord:
        environment = _object(folder / "environment.json", ("seeds", "corpus", "model"))
        check_format(environment.get("format"), _FORMAT, f"{folder} (a run folder)")
        results = _object(folder / "results.json", ("protocol", "split", "seeds", "metrics", "per_class", "confusion"))
        history = _history(folder / "history.jsonl")
        record = cls(
            folder=folder,
            config=_text(folder / "config.yaml"),
            environment=environment,
            steps=[line for line in history if line["kind"] == "step"],
            epochs=[line for line in history if line["kind"] == "epoch"],
            results=results,
            predictions=_table(folder / "predictions.parquet"),
        )
        _check(record)
        return record


def _text(path: Path) -> str:
    if not path.is_file():
        raise DataError(
            f"A finished run has a file {path.name}. {path.parent} has none. If the run was interrupted, continue it "
            "with `crossspace train --resume`; otherwise check the path."
        )
    with reading(path, "a readable text file", "Restore it or run again."):
        return path.read_text(encoding="utf-8")


def _object(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    content = _json(_text(path), str(path))
    missing = [key for key in keys if key not in content]
    if missing:
        raise DataError(
            f"{path} should have the keys {', '.join(keys)}. Missing: {', '.join(missing)}. "
            "It was cut off or comes from another version; run `crossspace evaluate` or train again."
        )
    return content


def _json(text: str, where: str) -> dict[str, Any]:
    with reading(where, "JSON", "Restore it or run again."):
        content = json.loads(text)
    if not isinstance(content, dict):
        raise DataError(f"{where} should be a JSON object. Found {type(content).__name__}. Restore it or run again.")
    return content


def _history(path: Path) -> list[dict[str, Any]]:
    lines = [
        _json(line, f"{path}, line {number},")
        for number, line in enumerate(_text(path).splitlines(), 1)
        if line.strip()
    ]
    for number, line in enumerate(lines, 1):
        needed = {"step": ("seed", "step", "losses"), "epoch": ("seed", "epoch")}.get(str(line.get("kind")))
        if needed is None or any(key not in line for key in needed):
            raise DataError(
                f"{path}, entry {number}, should be of kind 'step' (with seed, step, losses) or 'epoch' (with seed, "
                f"epoch). Found kind {line.get('kind')!r} with {', '.join(line)}. Restore the file or run again."
            )
    return lines


def _table(path: Path) -> pa.Table:
    if not path.is_file():
        raise DataError(f"A finished run has a file {path.name}. {path.parent} has none. Resume the run, or run again.")
    with reading(path, "a table of predictions (Parquet)", "Restore it or run again."):
        return pq.read_table(path)


def _check(record: RunRecord) -> None:
    corpus, results = record.environment["corpus"], record.results
    if not isinstance(corpus, Mapping) or not corpus.get("labels"):
        raise DataError(
            f"{record.folder}/environment.json should list the labels of the corpus. Found none. Run again."
        )
    if record.protocol not in PROTOCOLS:
        raise DataError(
            f"{record.folder}/results.json should name one of the protocols {', '.join(PROTOCOLS)}. "
            f"Found {record.protocol!r}. Evaluate the run again."
        )
    if list(results["per_class"]) != record.labels or len(results["confusion"]) != len(record.labels):
        raise DataError(
            f"results.json and environment.json of {record.folder} should have the same labels. "
            f"Found {', '.join(results['per_class'])} and {', '.join(record.labels)}. Evaluate the run again."
        )
