"""The trials of a search, in a storage that several processes may use at a time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import pstdev
from typing import TYPE_CHECKING, Any

from crossspace.runtime import optional_import
from crossspace.tune.remembered import remembered
from crossspace.tune.storage import Storage, database_message, storage_named

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial, TrialState

ARGUMENTS = "arguments"
"""User attribute of a trial: ``{"section.argument": value}``, what was drawn for it."""
SCORES = "scores"
"""User attribute of a trial: the scores of the folds that are done."""
_ATTEMPTS = 20


class Trials:
    """The trials of a search.

    A trial that failed with a reason counts as finished; one that was one too many is forgotten: it has failed without
    a reason. One whose process died stays under way until somebody goes on with it.

    Args:
        folder: of the search.
        seed: of the draws; trial n draws with ``seed + n``, so no two processes draw the same, nor one that goes on.
        storage: where the trials stand, made if need be; the one that the folder remembers when not given.
        name: of the search in a storage that holds many.
    """

    def __init__(self, folder: Path, seed: int = 0, storage: Storage | None = None, name: str | None = None) -> None:
        self.check_extra()
        self.seed = seed
        if storage is None or name is None:
            found = remembered(folder)
            storage = storage or storage_named(found["storage"], folder)
            name = name or found["study"]
        self.name = name
        self.study, self._storage = _open(storage, name)

    @staticmethod
    def check_extra() -> None:
        """Whether Optuna is there.

        Raises:
            MissingExtraError: it is not.
        """
        optional_import("optuna", extra="tune")

    def ask(self, total: int, draw: Callable[[Trial], dict[str, Any]]) -> Trial | None:
        """A new trial, or None when finished ones and those under way make up the total already.

        It enters the file with all that was drawn for it or not at all, so that a kill loses no draw: whoever goes on
        finds the trial as it was to be.

        Args:
            total: trials wanted.
            draw: draws the arguments of a trial.
        """
        while len(self._counting()) < total:
            known = self.all()
            expected, drawn = len(known), self.drawn(len(known), known, draw)
            trial = self._entered(drawn)
            # Others may have asked meanwhile. Numbers are given in order: the draw was for another one, which draws
            # the same, or there is one too many.
            if trial.number == expected and sum(t.number < expected for t in self._counting()) < total:
                return trial
            self.forget(trial.number)
        return None

    def take_over(self, frozen: FrozenTrial) -> Trial:
        """A trial that is under way, to go on with."""
        from optuna.trial import Trial

        return Trial(self.study, frozen._trial_id)

    def drawn(self, number: int, known: Sequence[FrozenTrial], draw: Callable[[Trial], dict[str, Any]]) -> FrozenTrial:
        """What a trial draws from what is known, tried on a copy in memory."""
        import optuna

        copy = optuna.create_study(direction="maximize", sampler=_sampler(self.seed + number))
        # The sampler draws from what is known now; the copy knows nothing that comes meanwhile.
        copy.add_trials(known)
        trial = copy.ask()
        trial.set_user_attr(ARGUMENTS, draw(trial))
        return copy.get_trials(deepcopy=False)[-1]

    def _entered(self, template: FrozenTrial) -> Trial:
        from optuna.trial import Trial

        # The storage and not the study: only there a trial can be entered with all its draws at once.
        number = self._storage.create_new_trial(self._storage.get_study_id_from_name(self.name), template)
        return Trial(self.study, number)

    def make(self, count: int) -> None:
        """Let there be so many trials; new ones wait for somebody who draws them."""
        import optuna

        while len(self.all()) < count:
            self._entered(optuna.trial.create_trial(state=_state("WAITING")))

    def begin(self, frozen: FrozenTrial, drawn: FrozenTrial) -> Trial:
        """Go on with a trial that waits, as it was drawn."""
        trial = self.take_over(frozen)
        self._storage.set_trial_state_values(frozen._trial_id, _state("RUNNING"))
        for name, distribution in drawn.distributions.items():
            internal = distribution.to_internal_repr(drawn.params[name])
            # One that was killed here has drawn the same.
            if name not in frozen.params:
                self._storage.set_trial_param(frozen._trial_id, name, internal, distribution)
        # Last: it says that nothing is missing.
        trial.set_user_attr(ARGUMENTS, drawn.user_attrs[ARGUMENTS])
        return self.take_over(frozen)

    def complete(self, trial: Trial, score: float) -> None:
        """Write down the score."""
        self.study.tell(trial.number, score, skip_if_finished=True)

    def stop_early(self, trial: Trial) -> None:
        """Write down that the trial was stopped for being worse than the others at the same fold."""
        self.study.tell(trial.number, state=_state("PRUNED"), skip_if_finished=True)

    def fail(self, trial: Trial, reason: str) -> None:
        """Write down why there is no score."""
        trial.set_user_attr("reason", reason)
        self.study.tell(trial.number, state=_state("FAIL"), skip_if_finished=True)

    def forget(self, number: int) -> None:
        """Let a trial not count."""
        self.study.tell(number, state=_state("FAIL"), skip_if_finished=True)

    def all(self) -> list[FrozenTrial]:
        """Every trial in the order of the numbers."""
        return self.study.get_trials(deepcopy=False)

    def running(self) -> list[FrozenTrial]:
        """Trials under way, also those left by a dead process."""
        return self.study.get_trials(deepcopy=False, states=(_state("RUNNING"),))

    def finished(self) -> list[FrozenTrial]:
        """Trials that count: complete, stopped early, or failed for a known reason."""
        return [t for t in self._counting() if t.state.is_finished()]

    def failed(self) -> list[FrozenTrial]:
        """Trials that failed for a known reason."""
        return [t for t in self._counting() if "reason" in t.user_attrs]

    def best(self) -> FrozenTrial | None:
        """The complete trial with the highest score, the earliest of equals; None without any."""
        complete = self.study.get_trials(deepcopy=False, states=(_state("COMPLETE"),))
        return max(complete, key=lambda t: (t.value or 0.0, -t.number), default=None)

    def importance(self) -> dict[str, float]:
        """How much of the variance of the scores each argument accounts for; empty for fewer than four trials."""
        import optuna

        complete = self.study.get_trials(deepcopy=False, states=(_state("COMPLETE"),))
        # A forest of regression trees on three points explains anything.
        if len(complete) < 4:
            return {}
        try:
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            return optuna.importance.get_param_importances(self.study, evaluator=evaluator)
        except (ImportError, RuntimeError, ValueError):  # nothing varies, or nothing is common to all
            return {}

    def _counting(self) -> list[FrozenTrial]:
        forgotten = _state("FAIL")
        return [t for t in self.study.get_trials(deepcopy=False) if t.state != forgotten or "reason" in t.user_attrs]


def spread(trial: FrozenTrial) -> tuple[float, float, float]:
    """Standard deviation, lowest and highest of the fold scores of a trial."""
    scores: list[float] = trial.user_attrs[SCORES]
    return pstdev(scores), min(scores), max(scores)


def _state(name: str) -> TrialState:
    from optuna.trial import TrialState

    return TrialState[name]


def _sampler(seed: int) -> Any:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True)


def pruner() -> Any:
    """What stops a trial that is worse than the others at the same fold."""
    import optuna

    return optuna.pruners.MedianPruner()


def _open(place: Storage, name: str) -> tuple[Study, Any]:
    """A study and its storage; processes that make it at the same moment get in each other's way."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    error: Exception | None = None
    # Two processes that make the tables at once: one of them fails, and finds them there the next time.
    for _ in range(_ATTEMPTS):
        try:
            storage = place.open()
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize",
                sampler=_sampler(0),
                pruner=pruner(),
                load_if_exists=True,
            )
            return study, storage
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as caught:
            error = caught
            if place.is_refused(caught):
                break
            time.sleep(0.1)
    raise place.unusable(database_message(error)) from None
