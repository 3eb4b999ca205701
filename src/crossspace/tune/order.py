"""Which trial comes next, what it is drawn from, and whom it is compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from crossspace.tune.trials import ARGUMENTS, Trials, pruner

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

Draw = Callable[["Trial"], dict[str, Any]]


class Order(ABC):
    """The order of the trials of a search.

    Args:
        known: the trials.
        draw: draws the arguments of one.
    """

    def __init__(self, known: Trials, draw: Draw) -> None:
        self.known, self.draw = known, draw

    @abstractmethod
    def is_over(self, total: int) -> bool:
        """Whether so many trials are finished."""

    @abstractmethod
    def left(self, total: int) -> list[int]:
        """Numbers of the trials that may be worked on, the next first; others may be at work on them."""

    @abstractmethod
    def new(self, total: int) -> int | None:
        """The number of a trial beyond those; None where nothing is to be done but to wait for others."""

    @abstractmethod
    def begin(self, number: int) -> Trial | None:
        """A trial that is ours alone, with its arguments; None where another has finished it."""

    @abstractmethod
    def is_hopeless(self, trial: Trial) -> bool:
        """Whether it is so much worse than the others at the same fold that it is stopped."""


class Generations(Order):
    """Trials in generations of a fixed size, each drawn from those before and compared with those before.

    So nothing depends on how many processes search, nor on which is faster: all trials of a generation are finished
    before one of the next is drawn.

    Args:
        known: the trials.
        draw: draws the arguments of one.
        size: of a generation.
    """

    def __init__(self, known: Trials, draw: Draw, size: int) -> None:
        super().__init__(known, draw)
        self.size = size

    def is_over(self, total: int) -> bool:
        """Whether all with lower numbers are finished."""
        trials = self.known.all()[:total]
        return len(trials) == total and all(trial.state.is_finished() for trial in trials)

    def left(self, total: int) -> list[int]:
        """What is not finished of the first generation that is not."""
        trials = self.known.all()[:total]
        numbers = (t.number for t in trials if not t.state.is_finished())
        end = min(total, self._first(next(numbers, len(trials))) + self.size)
        self.known.make(end)  # one that is made twice is one of a later generation, or of a longer search
        return [trial.number for trial in self.known.all()[:end] if not trial.state.is_finished()]

    def new(self, total: int) -> int | None:
        """None: all were made."""
        return None

    def begin(self, number: int) -> Trial | None:
        """See :class:`Order`."""
        frozen = self.known.all()[number]
        if frozen.state.is_finished():
            return None
        if ARGUMENTS in frozen.user_attrs:
            return self.known.take_over(frozen)
        return self.known.begin(frozen, self.known.drawn(number, self._earlier(number), self.draw))

    def is_hopeless(self, trial: Trial) -> bool:
        """See :class:`Order`."""
        import optuna

        others = optuna.create_study(direction="maximize")
        others.add_trials(self._earlier(trial.number))
        return bool(pruner().prune(others, self.known.all()[trial.number]))

    def _first(self, number: int) -> int:
        """Number of the first trial of the same generation."""
        return number - number % self.size

    def _earlier(self, number: int) -> Sequence[FrozenTrial]:
        return self.known.all()[: self._first(number)]


class AsTheyCome(Order):
    """Trials drawn from whatever is known at that moment, as earlier releases did: their searches go on so."""

    def is_over(self, total: int) -> bool:
        """See :class:`Order`."""
        return len(self.known.finished()) >= total

    def left(self, total: int) -> list[int]:
        """What dead processes began."""
        return [trial.number for trial in self.known.running()]

    def new(self, total: int) -> int | None:
        """See :class:`Order`."""
        trial = self.known.ask(total, self.draw)
        return None if trial is None else trial.number

    def begin(self, number: int) -> Trial | None:
        """See :class:`Order`."""
        frozen = {trial.number: trial for trial in self.known.running()}.get(number)
        if frozen is None:
            return None
        if ARGUMENTS in frozen.user_attrs:
            return self.known.take_over(frozen)
        self.known.forget(number)  # of a release that drew piece by piece
        return None

    def is_hopeless(self, trial: Trial) -> bool:
        """See :class:`Order`."""
        return trial.should_prune()
