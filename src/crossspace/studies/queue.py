"""What a study still lacks, as its folder says: so it does not matter who does what, and nobody has to be asked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crossspace.engine.claim import is_claimed
from crossspace.engine.watch import Watch
from crossspace.studies.folder import StudyFolder
from crossspace.studies.job import Shared
from crossspace.studies.worker import Finish, Train

INTERVAL = 1.0
"""Seconds between two looks at what other processes do."""


@dataclass(frozen=True)
class Lacking:
    """What a variant may lack: its trainings, and what follows when all are done."""

    trainings: Sequence[Train]
    finish: Finish


class Queue:
    """Hands out what nobody else is at, as long as anything is open.

    What failed before this process began is tried again; what fails from then on, here or elsewhere, stays failed.

    Args:
        folder: of the study.
        variants: ``{name: what may have to be done for it}``.
    """

    def __init__(self, folder: StudyFolder, variants: Mapping[str, Lacking]) -> None:
        self.folder = folder
        self.total = sum(len(lacking.trainings) for lacking in variants.values())
        self._counts = dict.fromkeys(variants, (0, 0))
        self._open, self._watch = dict(variants), Watch()
        self._here: set[tuple[str, str]] = set()
        self._failed_here: set[tuple[str, str]] = set()
        jobs = [job for lacking in variants.values() for job in (*lacking.trainings, lacking.finish)]
        self._earlier = {_key(job): folder.failures.token(*_key(job)) for job in jobs}
        self._looked = float("-inf")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was left, here or elsewhere, at the last look."""
        return not self._open

    @property
    def trained(self) -> int:
        """Trainings that were done, by whomever, at the last look."""
        return sum(trained for trained, _ in self._counts.values())

    @property
    def failed(self) -> int:
        """Trainings that failed, anywhere."""
        return sum(failed for _, failed in self._counts.values())

    def free(self) -> list[Shared]:
        """What is to be done and nobody is at, ours from now on; tests first. Nothing too soon after the last look."""
        if time.monotonic() - self._looked < INTERVAL:
            return []
        self._looked = time.monotonic()
        lacking = [job for name in list(self._open) for job in self._lacking(name)]
        # Who holds the whole study measures what it costs, and nobody trains beside that.
        if is_claimed(self.folder.path, self._watch.dead_in(self.folder.path)):
            return []
        known = (replace(job, dead=self._watch.dead_in(job.place, job.folder)) for job in lacking)
        free = [job for job in known if _key(job) not in self._here and not job.is_claimed]
        self._here.update(map(_key, free))
        return sorted(free, key=lambda job: isinstance(job, Train))

    def ended(self, job: Shared, *, failed: bool = False, elsewhere: bool = False) -> None:
        """A job is no longer ours: done, failed, or found to be another's."""
        self._here.discard(_key(job))
        if failed:
            self._failed_here.add(_key(job))
        if not elsewhere:  # something may follow from it
            self._looked = float("-inf")

    def _lacking(self, name: str) -> list[Shared]:
        """What is to be done for a variant at this moment; one that lacks nothing is closed."""
        trainings, finish = self._open[name].trainings, self._open[name].finish
        untrained = [job for job in trainings if not job.is_over]
        due: list[Shared] = [job for job in untrained if not self._has_failed(job)]
        self._counts[name] = (len(trainings) - len(untrained), len(untrained) - len(due))
        # After a failed seed a variant is neither tested nor reported.
        if not untrained and not finish.is_over and not self._has_failed(finish):
            # The last words of a training are written after its result, and before its claim ends.
            return [] if any(is_claimed(job.place, self._watch.dead_in(job.place)) for job in trainings) else [finish]
        if not due:
            del self._open[name]
        return due

    def _has_failed(self, job: Shared) -> bool:
        key = _key(job)
        return key in self._failed_here or self.folder.failures.token(*key) not in ("", self._earlier[key])


def _key(job: Shared) -> tuple[str, str]:
    return job.variant, job.part
