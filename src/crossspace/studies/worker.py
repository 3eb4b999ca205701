"""What a worker of a study does: one job after the other.

It reads the corpus once and lives for many jobs, so that starting up is paid once. When the study itself is gone, the
worker ends; the training goes on from its checkpoint next time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.engine.beating import Claim
from crossspace.engine.work import Report, Work
from crossspace.experiment.folder import SEED_RESULT, RunFolder
from crossspace.runtime import replacing
from crossspace.studies.conditions import predictions_under
from crossspace.studies.costs import Cost, measure
from crossspace.studies.folder import CONDITIONS
from crossspace.studies.job import Job, JobProgress, JobSetup, Shared, corpus_at
from crossspace.training.devices import Devices
from crossspace.training.event import Event

_SECONDS_BETWEEN_WORDS = 0.25


@dataclass(frozen=True)
class Train(Shared):
    """Train one seed.

    Attributes:
        seed: which.
    """

    seed: int

    @property
    def name(self) -> str:
        """See :class:`Shared`."""
        return f"{self.variant} seed {self.seed}"

    @property
    def part(self) -> str:
        """See :class:`Shared`."""
        return f"seed-{self.seed}"

    @property
    def order(self) -> int:
        """See :class:`Shared`."""
        return self.seed

    @property
    def place(self) -> Path:
        """See :class:`Shared`."""
        return RunFolder(self.folder).seed(self.seed)

    @property
    def is_over(self) -> bool:
        """See :class:`Shared`."""
        return (self.place / SEED_RESULT).exists()

    def work(self, setup: JobSetup, report: Report, claim: Claim) -> None:
        """Train from the last checkpoint, or from the beginning."""
        last = [0.0]

        def on_event(seed: int, event: Event) -> None:
            # Steps of a small model take a millisecond; the study would do nothing but listen.
            if time.monotonic() - last[0] > _SECONDS_BETWEEN_WORDS:
                last[0] = time.monotonic()
                fraction = (event.epoch + event.step / event.steps) / event.epochs
                report(JobProgress(min(fraction, 1.0), f"best {100 * max(event.best.score, 0):.2f}"))

        run = self.run(setup, on_event)
        run.held = claim
        run.train(self.seed)


@dataclass(frozen=True)
class Finish(Shared):
    """Test a variant whose seeds are all trained, and write its report.

    Attributes:
        rates: test it with modalities missing at these rates too.
    """

    rates: tuple[float, ...] | None

    @property
    def part(self) -> str:
        """See :class:`Shared`."""
        return "test"

    @property
    def place(self) -> Path:
        """See :class:`Shared`."""
        return self.folder

    @property
    def is_over(self) -> bool:
        """See :class:`Shared`."""
        is_tested = self.rates is None or (self.folder / CONDITIONS).exists()
        return is_tested and RunFolder(self.folder).is_finished

    def work(self, setup: JobSetup, report: Report, claim: Claim) -> None:
        """Test once."""
        run = self.run(setup)
        if self.rates is not None:
            tables = [predictions_under(p, run.corpus, self.rates, seed) for seed, p in run.predictors().items()]
            with replacing(self.folder / CONDITIONS) as temporary:
                pq.write_table(pa.concat_tables(tables), temporary)
        run.finish()


@dataclass(frozen=True)
class Measure(Job):
    """Measure what the variant costs, in a process that has done nothing else."""

    def do(self, setup: JobSetup, report: Report) -> Cost:
        """One round."""
        return measure(self.configuration, corpus_at(setup.corpus), Devices(setup.accelerator, threads=setup.threads))


def work_at(setup: JobSetup) -> Work[Job, JobSetup]:
    """What the workers of a study do."""
    return Work(_begin, _do, setup, modules=("torch._dynamo",))  # optimizers import it at their first step


# Nothing is read here: a worker that gets no job should not read a corpus.
def _begin(setup: JobSetup) -> JobSetup:
    return setup


def _do(setup: JobSetup, job: Job, report: Report) -> Any:
    return job.do(setup, report)
