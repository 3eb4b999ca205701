"""A search for a good configuration in one folder, which can be gone on with and which processes may share."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import torch
import yaml

from crossspace.components import imported, recorded, warn_of_changes
from crossspace.configuration import read_yaml, today
from crossspace.engine.beating import Claim, TakenOverError
from crossspace.engine.claim import ClaimedError, check_unclaimed, claimed, is_claimed, strangers
from crossspace.engine.watch import Watch
from crossspace.errors import CrossspaceError, UsageError, WritingError
from crossspace.experiment.folder import differing_settings
from crossspace.runtime import write_new, write_text
from crossspace.tune.best import BEST, best_text
from crossspace.tune.folds import Folds
from crossspace.tune.order import AsTheyCome, Generations, Order
from crossspace.tune.remembered import SETTINGS, kept, remembered
from crossspace.tune.space import Space
from crossspace.tune.storage import Storage, storage_named
from crossspace.tune.trials import ARGUMENTS, SCORES, Trials

if TYPE_CHECKING:
    from optuna import Trial

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
    """Tries configurations of a space and keeps the best by weighted F1 over folds.

    Args:
        space: what may change around which configuration.
        folds: what a configuration is tried on.
        settings: everything that the search depends on, as plain values; written to ``tune.yaml`` and compared when
            the folder is used again. :func:`settings_of` makes them.
        folder: of the search.
        on_progress: called after every fold and trial.
        shared: other processes may take part in the search; each trial belongs to one of them.
        storage: where the trials stand; what the folder remembers, or SQLite, when not given.
        at_once: trials of a generation; what the folder remembers, or 8, when not given. Each is drawn from the
            generations before, so the search is the same however many processes take part.
    """

    def __init__(
        self,
        space: Space,
        folds: Folds,
        settings: dict[str, Any],
        folder: str | Path,
        on_progress: Callable[[Progress], None] | None = None,
        shared: bool = False,
        storage: str | None = None,
        at_once: int | None = None,
    ) -> None:
        if at_once is not None and at_once < 1:
            raise UsageError(f"`--at-once` should be at least 1. Found {at_once}.")
        self.space, self.folds, self.settings, self.folder = space, folds, settings, Path(folder)
        self.shared, self.asked = shared, (storage, at_once)
        self._watch = Watch()
        self.on_progress = on_progress or (lambda progress: None)
        self._written: int | None = None

    def run(self, trials: int) -> Trials:
        """Go on until so many trials are finished, counting those of earlier and of other processes.

        Raises:
            UsageError: the folder holds something else, or a search with other settings, or another process searches
                there and the two are not shared.
            MissingExtraError: the extra ``tune`` is not installed.
        """
        with self._held():
            known = self.begin()
            with self.storage.storing():
                self._search(known, trials)
        self._written = None  # another process may have known less when it wrote
        self._write_best(known)
        return known

    @property
    def storage(self) -> Storage:
        """Where the trials stand."""
        return storage_named(self.asked[0] or remembered(self.folder)["storage"], self.folder)

    def begin(self) -> Trials:
        """Make the folder that of this search, or find that it is; its trials so far.

        Raises:
            UsageError: the folder holds something else, or a search with other settings.
            CrossspaceError: the storage cannot be used.
        """
        Trials.check_extra()
        self.storage.check()  # before its name is written down
        study = self._claim()
        with self.storage.storing():
            return Trials(self.folder, int(self.settings["sampler_seed"]), self.storage, study)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """The folder is ours alone or, in a shared search, nobody's."""
        with ExitStack() as held:
            try:
                if self.shared:
                    check_unclaimed(self.folder)
                else:
                    held.enter_context(claimed(self.folder))
            except UsageError as error:
                raise UsageError(f"{error} Several processes search together when each is begun as shared.") from error
            yield

    def _claim(self) -> str:
        """Write the settings down, or find that they are those of the folder; the name in the storage."""
        path = self.folder / SETTINGS
        # Asked twice: another process of a shared search may have begun between the first look and the second.
        if not path.exists() and strangers(self.folder) and not path.exists():
            raise UsageError(f"{self.folder} should be a new or empty folder. It holds other files; name another.")
        stated = {**self._stated(), **kept(self.folder, self.storage.stated, self.asked[1])}
        if not path.exists():
            write_new(path, yaml.safe_dump(stated, sort_keys=False, allow_unicode=True))
        written = read_yaml(path)
        if isinstance(written.get("configuration"), dict):
            written["configuration"] = today(written["configuration"])
        # Of an earlier release; the name in the storage is chosen by whoever writes first.
        written = {**written, **remembered(self.folder)}
        compare(self.folder, written, {**stated, "study": written["study"]})
        return str(written["study"])

    def _search(self, known: Trials, trials: int) -> None:
        at_once = remembered(self.folder)["at_once"]
        order = AsTheyCome(known, self.space.draw) if at_once is None else Generations(known, self.space.draw, at_once)
        while not order.is_over(trials):
            number = self._next(order, trials)
            if number is None:  # the others are at work on the last ones
                time.sleep(_WAIT)
            else:
                self._try(known, order, number, trials)

    def _next(self, order: Order, total: int) -> int | None:
        """A trial that nobody works on: new, or left behind by a dead process."""
        free = (n for n in order.left(total) if not is_claimed(self._folder(n), self._dead(n)))
        number = next(free, None)
        return order.new(total) if number is None else number

    def _dead(self, number: int) -> frozenset[str]:
        return self._watch.dead_in(self._folder(number))

    def _folder(self, number: int) -> Path:
        return self.folder / "trials" / f"{number:05d}"

    def _try(self, known: Trials, order: Order, number: int, total: int) -> None:
        """Run one trial to its end: complete, stopped early, or failed for a reason that is written down.

        Killed or interrupted, it stays under way with its files, and whoever takes it over goes on from there.
        """
        folder = self._folder(number)
        with ExitStack() as held:
            try:
                # Passing: where another process has finished the trial meanwhile, the folder goes with the claim.
                claim = held.enter_context(claimed(folder, passing=True, dead=self._dead(number)))
            except ClaimedError:  # another process was faster
                return
            trial = order.begin(number)
            if trial is None:  # and has finished it since
                return
            try:
                news = self._folds(known, order, trial, claim, total)
            except TakenOverError:  # the others took us for dead
                return
            except WritingError:  # no fault of the trial, which stays under way
                raise
            except (CrossspaceError, torch.OutOfMemoryError) as error:
                known.fail(trial, str(error))
                news = f"failed: {str(error).splitlines()[0]}"
            shutil.rmtree(folder, ignore_errors=True)
        self._write_best(known)
        self._tell(known, number, len(self.folds.corpora), total, news)

    def _folds(self, known: Trials, order: Order, trial: Trial, claim: Claim, total: int) -> str:
        configuration = self.space.configuration(trial.user_attrs[ARGUMENTS])
        done: list[float] = list(trial.user_attrs.get(SCORES, ()))
        while len(done) < len(self.folds.corpora):
            claim.check()
            if done and order.is_hopeless(trial):
                known.stop_early(trial)
                return f"stopped early, {100 * mean(done):.2f} after {len(done)} folds"
            fold = len(done)
            done.append(self.folds.score(configuration, fold, self._folder(trial.number)))
            claim.check()
            trial.report(mean(done), fold)
            trial.set_user_attr(SCORES, done)
            self._tell(known, trial.number, len(done), total, "")
        known.complete(trial, mean(done))
        return f"{100 * mean(done):.2f}"

    def _tell(self, known: Trials, trial: int, fold: int, total: int, news: str) -> None:
        best = known.best()
        score = None if best is None else best.value
        self.on_progress(Progress(len(known.finished()), total, trial, fold, len(self.folds.corpora), news, score))

    def _stated(self) -> dict[str, Any]:
        return {**self.settings, **recorded(imported(), self.folder)}

    def _write_best(self, known: Trials) -> None:
        best = known.best()
        if best is not None and best.number != self._written:
            self._written = best.number
            write_text(self.folder / BEST, best_text(best, self.space, self._stated()))


def settings_of(space: Space, fingerprint: str, data: str, folds: int, seeds: int, sampler_seed: int) -> dict[str, Any]:
    """What a search depends on, as plain values; ``data`` alone may change later, a corpus may move."""
    return {
        "data": data,
        "fingerprint": fingerprint,
        "folds": folds,
        "seeds": seeds,
        "sampler_seed": sampler_seed,
        "epoch_chosen_on": "conversations outside the fold",
        "space": dict(space.stated),
        "configuration": space.base.to_dict(),
    }


def compare(folder: Path, written: dict[str, Any], stated: dict[str, Any]) -> None:
    """Whether the settings in a folder are these.

    Raises:
        UsageError: they are not; every difference is named.
    """
    differing = differing_settings(written, stated)
    warn_of_changes(written.get("imports"), "The search")
    if differing:
        raise UsageError(
            f"{folder} holds a search with other settings:{differing}\nUse the same options, or choose another folder."
        )
