"""A search for a good configuration in one folder, which several processes may share and which can be gone on with."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import torch
import yaml

from crossspace.configuration import Configuration, read_configuration, read_yaml
from crossspace.errors import CrossspaceError, UsageError
from crossspace.experiment import differences
from crossspace.runtime import write_text
from crossspace.tune.folds import Folds
from crossspace.tune.owners import Owner, is_alive
from crossspace.tune.space import Space
from crossspace.tune.trials import Trials

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

SETTINGS, BEST = "tune.yaml", "best.yaml"
_WAIT = 1.0
"""Seconds between two looks at whether the other processes are done."""


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    Attributes:
        finished: trials that count.
        total: trials wanted.
        trial, fold, folds: what this process works on: trial number, folds done of it, folds of a trial.
        news: a sentence about the trial when it has just ended, else empty.
        best: the best score so far, or None.
    """

    finished: int
    total: int
    trial: int
    fold: int
    folds: int
    news: str
    best: float | None


class Search:
    """Tries configurations of a space and keeps the best by validation weighted F1 over folds.

    Args:
        space: what may change around which configuration.
        folds: what a configuration is tried on.
        settings: everything that the search depends on, as plain values; written to ``tune.yaml`` and compared when
            the folder is used again. :func:`settings_of` makes them.
        folder: of the search.
        on_progress: called after every fold and trial.
    """

    def __init__(
        self,
        space: Space,
        folds: Folds,
        settings: dict[str, Any],
        folder: str | Path,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.space, self.folds, self.settings, self.folder = space, folds, settings, Path(folder)
        self.on_progress = on_progress or (lambda progress: None)
        self._written: int | None = None

    def run(self, trials: int) -> Trials:
        """Go on until so many trials are finished, counting those of earlier and of other processes.

        Raises:
            UsageError: the folder holds something else, or a search with other settings.
            MissingExtraError: the extra ``tune`` is not installed.
        """
        Trials.check_extra()
        self._claim()
        found = Trials(self.folder, int(self.settings["sampler_seed"]))
        while True:
            self._bury(found)
            if len(found.finished()) >= trials:
                break
            trial = found.ask(trials)
            if trial is None:  # the others are at work on the last ones
                time.sleep(_WAIT)
                continue
            self._try(found, trial, trials)
        self._written = None  # another process may have known less when it wrote
        self._write_best(found)
        return found

    def _claim(self) -> None:
        path = self.folder / SETTINGS
        if not path.exists():
            others = [p.name for p in self.folder.iterdir()] if self.folder.exists() else []
            if any(not name.endswith(".partial") for name in others) and not path.exists():
                raise UsageError(f"{self.folder} should be a new or empty folder. It holds other files; name another.")
            write_text(path, yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True))
        compare(self.folder, read_yaml(path), self.settings)

    def _bury(self, found: Trials) -> None:
        """Take back the trials of dead processes; they do not count, and their files go."""
        for trial in found.running():
            folder = self._folder(trial.number)
            begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
            if not is_alive(folder, begun):
                found.forget(trial.number)
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, number: int) -> Path:
        return self.folder / "trials" / f"{number:05d}"

    def _try(self, found: Trials, trial: Trial, total: int) -> None:
        """Run one trial to its end: complete, stopped early, or failed for a reason that is written down."""
        folder = self._folder(trial.number)
        owner = Owner(folder)
        try:
            news = self._folds(found, trial, folder, owner, total)
        except (CrossspaceError, torch.OutOfMemoryError) as error:
            found.fail(trial, str(error))
            news = f"failed: {str(error).splitlines()[0]}"
        except BaseException:
            found.forget(trial.number)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._write_best(found)
        self._tell(found, trial.number, len(self.folds.corpora), total, news)

    def _folds(self, found: Trials, trial: Trial, folder: Path, owner: Owner, total: int) -> str:
        drawn = self.space.draw(trial)
        trial.set_user_attr("arguments", drawn)
        configuration = self.space.configuration(drawn)
        done: list[float] = []
        for fold in range(len(self.folds.corpora)):
            done.append(self.folds.score(configuration, fold, folder, owner.beat))
            trial.set_user_attr("scores", done)
            trial.report(mean(done), fold)
            if len(done) < len(self.folds.corpora) and trial.should_prune():
                found.stop_early(trial)
                return f"stopped early, {100 * mean(done):.2f} after {len(done)} folds"
            self._tell(found, trial.number, len(done), total, "")
        found.complete(trial, mean(done))
        return f"{100 * mean(done):.2f}"

    def _tell(self, found: Trials, trial: int, fold: int, total: int, news: str) -> None:
        best = found.best()
        score = None if best is None else best.value
        self.on_progress(Progress(len(found.finished()), total, trial, fold, len(self.folds.corpora), news, score))

    def _write_best(self, found: Trials) -> None:
        best = found.best()
        if best is not None and best.number != self._written:
            self._written = best.number
            write_text(self.folder / BEST, best_text(best, self.space, self.settings))


def settings_of(space: Space, fingerprint: str, data: str, folds: int, seeds: int, sampler_seed: int) -> dict[str, Any]:
    """What a search depends on, as plain values; ``data`` alone may change later, a corpus may move."""
    return {
        "data": data,
        "fingerprint": fingerprint,
        "folds": folds,
        "seeds": seeds,
        "sampler_seed": sampler_seed,
        "space": dict(space.stated),
        "configuration": space.base.to_dict(),
    }


def compare(folder: Path, found: dict[str, Any], stated: dict[str, Any]) -> None:
    """Whether the settings in a folder are these.

    Raises:
        UsageError: they are not; every difference is named.
    """
    differing = [
        f"{name}: {left!r} in the folder, {right!r} now"
        for name, left, right in differences(found, stated)
        if name != "data"
    ]
    if differing:
        raise UsageError(
            f"{folder} holds a search with other settings:\n  "
            + "\n  ".join(differing)
            + "\nUse the same options, or choose another folder."
        )


def best_text(best: FrozenTrial, space: Space, settings: dict[str, Any]) -> str:
    """The content of ``best.yaml``: a complete configuration, after lines that say where it comes from."""
    configuration = space.configuration(best.user_attrs["arguments"])
    lines = [
        f"# The best of a search: trial {best.number}, validation weighted F1 {best.value!r}",
        f"# mean over {settings['folds']} folds of the training and validation conversations, "
        f"seeds 0 to {settings['seeds'] - 1}; the test split was not read.",
        f"# corpus fingerprint {settings['fingerprint']}",
    ]
    content = {"data": settings["data"], **configuration.to_dict()}
    return "\n".join(lines) + "\n" + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def train_best_again(folder: str | Path, folds: Folds) -> list[float]:
    """The score of ``best.yaml`` on every fold, trained afresh."""
    folder = Path(folder)
    configuration: Configuration = read_configuration(file=folder / BEST)
    place = folder / "rerun"
    try:
        return [folds.score(configuration, fold, place, lambda: None) for fold in range(len(folds.corpora))]
    finally:
        shutil.rmtree(place, ignore_errors=True)
