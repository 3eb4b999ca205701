"""The folder of a run: which files it has, whose it is, and whether it is finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from crossspace.components import warn_of_changes
from crossspace.configuration import read_yaml, today
from crossspace.digests import check_sums
from crossspace.engine.claim import strangers
from crossspace.errors import UsageError
from crossspace.reading import reading
from crossspace.runtime import write_new, write_text
from crossspace.stores import Place, is_address

CONFIG, ENVIRONMENT, RESULTS, REPORT = "config.yaml", "environment.json", "results.json", "report.html"
BEGUN = "corpus.json"
HISTORY, PREDICTIONS = "history.jsonl", "predictions.parquet"
SEED_RESULT = "result.json"
SUMMED = (CONFIG, BEGUN, ENVIRONMENT, HISTORY, PREDICTIONS, "conditions.parquet", RESULTS)
"""Files of a finished run whose digests lie beside them."""
_AGAIN = "Remove the folder and run again, or choose another one."


class RunFolder:
    """The files of one run.

    Args:
        path: of the folder, which need not exist.
    """

    def __init__(self, path: str | Path) -> None:
        if is_address(path):
            raise UsageError(
                f"{path} is on a store, and a run works in a folder of this machine. Give one, and mirror it with "
                "crossspace.experiment.mirror.mirrored, as 'crossspace train --out' does."
            )
        self.path = Path(path)

    def seed(self, seed: int) -> Path:
        """The folder of one seed."""
        return self.path / f"seed-{seed}"

    @property
    def is_finished(self) -> bool:
        """Whether the run got as far as its report, which is written last."""
        return all((self.path / name).exists() for name in (RESULTS, REPORT))

    def results(self) -> dict[str, Any] | None:
        """The results of a finished run; None where it is not finished.

        Raises:
            DataError: a file is not what was written.
        """
        path = self.path / RESULTS
        if not self.is_finished:
            return None
        check_sums(self.path)
        with reading(path, "the results of a run", _AGAIN):
            return dict(json.loads(path.read_text(encoding="utf-8")))

    def claim(self, stated: dict[str, Any], fingerprint: str, corpus_path: Place, resume: bool) -> bool:
        """Make the folder that of this run, or find that it is; returns whether it was before.

        Args:
            stated: the content of ``config.yaml``.
            fingerprint: of the corpus.
            corpus_path: for the message.
            resume: the folder may hold this run already.

        Raises:
            UsageError: it holds another run, or one that is to be resumed explicitly.
        """
        path = self.path / CONFIG
        if not path.exists():
            self._check_emptiness()
            # config.yaml comes last: it is what makes the folder a run. Several processes of a study may make it.
            write_text(self.path / BEGUN, json.dumps({"fingerprint": fingerprint}) + "\n")
            if write_new(path, yaml.safe_dump(stated, sort_keys=False, allow_unicode=True)):
                return False
            resume = True
        if not resume:
            raise UsageError(
                f"{self.path} already holds a run. Choose another folder, or go on with this one by --resume."
            )
        self._compare(today(read_yaml(path)), stated)
        self._compare_corpus(fingerprint, corpus_path)
        return True

    def _check_emptiness(self) -> None:
        """Nothing may be in the folder but what a run leaves that was killed while it claimed the folder."""
        # Asked twice: between the first look and the second another process may have made the run, and begun it.
        if any(name != BEGUN for name in strangers(self.path)) and not (self.path / CONFIG).exists():
            raise UsageError(f"{self.path} should be a new or empty folder. It holds other files; name another.")

    def _compare(self, stored: dict[str, Any], stated: dict[str, Any]) -> None:
        differing = differing_settings(stored, stated)
        warn_of_changes(stored.get("imports"), "The run")
        if differing:
            raise UsageError(
                f"{self.path} holds a run with another configuration:{differing}\n"
                "Resume with the same options, or choose another folder."
            )

    def _compare_corpus(self, fingerprint: str, corpus_path: Place) -> None:
        with reading(self.path / BEGUN, "the fingerprint of a corpus", _AGAIN):
            begun_with = json.loads((self.path / BEGUN).read_text(encoding="utf-8"))["fingerprint"]
        if begun_with != fingerprint:
            raise UsageError(
                f"{self.path} was begun on a corpus with the fingerprint {begun_with}; {corpus_path} has "
                f"{fingerprint}. Resume with the same corpus, or choose another folder."
            )


def seed_result(folder: Path) -> dict[str, Any]:
    """How the seed with this folder ended.

    Raises:
        DataError: the file is not what was written, or lacks something.
    """
    check_sums(folder)
    with reading(folder / SEED_RESULT, "how a seed ended", f"Remove the folder {folder} and resume.") as place:
        result = json.loads((folder / SEED_RESULT).read_text(encoding="utf-8"))
        for place.at in ("seed", "best_epoch", "best_score", "seconds", "parameters", "threads"):
            float(result[place.at])
        return dict(result)


def differing_settings(stored: dict[str, Any], stated: dict[str, Any]) -> str:
    """One line for each setting that is another in a folder than now, each after a line break; empty if none is."""
    return "".join(
        f"\n  {name}: {left!r} in the folder, {right!r} now"
        for name, left, right in differences(stored, stated)
        # The corpus may have moved, which its fingerprint tells; code from outside only warns.
        if name not in ("data", "imports")
    )


def differences(left: Any, right: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """``(dotted name, left, right)`` of every value in which two nested dictionaries differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = list(dict.fromkeys([*left, *right]))
        return [d for k in keys for d in differences(left.get(k), right.get(k), f"{name}.{k}" if name else str(k))]
    return [] if left == right else [(name, left, right)]
