"""A job of a study, and the rule by which processes that want the same one share them out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.engine.beating import Claim, TakenOverError
from crossspace.engine.claim import ClaimedError, claimed, is_claimed
from crossspace.engine.work import Report, reason_of
from crossspace.experiment import Run
from crossspace.studies.failures import Failures
from crossspace.training.devices import Devices
from crossspace.training.event import Event
from crossspace.training.tracking import Tracker, sinks_for


@dataclass(frozen=True)
class JobSetup:
    """Where the jobs of a study compute and what they read.

    Attributes:
        corpus: file of the corpus.
        accelerator: ``auto``, ``cpu`` or ``cuda``.
        threads: of a process on the CPU.
        track: what the trainings are followed with, see :func:`~crossspace.training.tracking.sinks_for`.
        store: folder of the study, where a tracker that keeps a store puts it.
    """

    corpus: str
    accelerator: str
    threads: int
    track: Tracker
    store: Path


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        fraction: of it that is done.
        text: a score.
    """

    fraction: float
    text: str = ""


@dataclass(frozen=True)
class Job(ABC):
    """Something to do for one variant.

    Attributes:
        variant: its name.
        configuration: what is trained and how.
        folder: its run folder.
        seeds: all seeds of the run.
    """

    variant: str
    configuration: Configuration
    folder: Path
    seeds: tuple[int, ...]

    @abstractmethod
    def do(self, setup: JobSetup, report: Report) -> Any:
        """Do it, and report a :class:`JobProgress` now and then; what is returned reaches the study."""

    def run(self, setup: JobSetup, on_event: Callable[[int, Event], None] | None = None) -> Run:
        """The run of the variant."""
        return Run(
            self.configuration,
            corpus_at(setup.corpus),
            setup.corpus,
            self.folder,
            self.seeds,
            Devices(setup.accelerator),
            on_event=on_event,
            sinks=lambda folder: sinks_for(
                setup.track,
                folder,
                store=setup.store,
                name=f"{self.variant}/{folder.name}",
                parameters=self.configuration.to_dict(),
                tags={"variant": self.variant},
            ),
        )


class Elsewhere:
    """The answer of a job that another process has claimed: nothing was done."""


@dataclass(frozen=True)
class Shared(Job):
    """A job that other processes may want too. Whoever does it has claimed its folder, where the job runs.

    Attributes:
        dead: marks of claims on other machines whose owners the study knows to be dead.
    """

    dead: frozenset[str] = field(default=frozenset(), kw_only=True)

    @property
    @abstractmethod
    def part(self) -> str:
        """What of the variant it is, as in the name of a file."""

    @property
    @abstractmethod
    def place(self) -> Path:
        """The folder that is claimed for it."""

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether its files say that it was done."""

    @abstractmethod
    def work(self, setup: JobSetup, report: Report, claim: Claim) -> None:
        """Do it under a claim that may be lost."""

    @property
    def is_claimed(self) -> bool:
        """Whether another process is at it, or at the whole run."""
        return any(is_claimed(folder, self.dead) for folder in {self.place, self.folder})

    def do(self, setup: JobSetup, report: Report) -> Elsewhere | None:
        """Do it, unless another process does, or has done it meanwhile."""
        try:
            with claimed(self.place, dead=self.dead) as claim:
                # Somebody goes on with this run alone; one of us sees the other, since both look after they claimed.
                if self.place != self.folder and is_claimed(self.folder, self.dead):
                    return Elsewhere()
                if not self.is_over:
                    self._try(setup, report, claim)
        except (ClaimedError, TakenOverError):
            return Elsewhere()
        return None

    def _try(self, setup: JobSetup, report: Report, claim: Claim) -> None:
        failures = Failures(setup.store)
        try:
            self.work(setup, report, claim)
        except TakenOverError:
            raise
        except Exception as error:
            # Before the claim ends: nobody else tries at once what has just failed.
            failures.write(*self.failure(reason_of(error)))
            raise
        failures.remove(self.variant, self.part)

    @property
    def order(self) -> int:
        """Among the parts of its variant."""
        return -1

    def failure(self, reason: str) -> tuple[str, str, str, int]:
        """What is written down when it failed."""
        return self.variant, self.part, f"{self.name}: {reason}", self.order

    @property
    def name(self) -> str:
        """What people call it."""
        return self.variant


# One study has one corpus; reading it takes longer than training a small model for some epochs.
@lru_cache(maxsize=1)
def corpus_at(path: str) -> Corpus:
    """The corpus of a file; read once."""
    return Corpus.read(path)
