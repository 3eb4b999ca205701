"""What a process of a study does: one job after the other, until the study says that there are no more.

A process reads the corpus once and lives for many jobs, so that starting up is paid once. When the study itself is
gone, the process ends; the training goes on from its checkpoint next time.
"""

from __future__ import annotations

import os
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.components import Origin, load_again
from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.errors import CrossspaceError
from crossspace.experiment import Run
from crossspace.runtime import end_with_parent, replacing
from crossspace.studies.conditions import predictions_under
from crossspace.studies.costs import Cost, measure
from crossspace.studies.folder import CONDITIONS
from crossspace.training.devices import Devices
from crossspace.training.tracking import Tracker, sinks_for
from crossspace.training.trainer import Event

_SECONDS_BETWEEN_WORDS = 0.25


@dataclass(frozen=True)
class Place:
    """Where the jobs of a study compute and what they read.

    Attributes:
        corpus: file of the corpus.
        accelerator: ``auto``, ``cpu`` or ``cuda``.
        threads: of a process on the CPU.
        track: what the trainings are followed with, see :func:`~crossspace.training.tracking.sinks_for`.
        store: folder of the study, where a tracker that keeps a store puts it.
        imports: code from outside that jobs need.
    """

    corpus: str
    accelerator: str
    threads: int
    track: Tracker
    store: Path
    imports: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class Message:
    """A word from a process to the study.

    Attributes:
        kind: ``progress``, ``done`` or ``failed``.
        fraction: of the job that is done.
        text: a score, or the reason of the failure.
        result: what the job gave.
    """

    kind: Literal["progress", "done", "failed"]
    fraction: float = 0.0
    text: str = ""
    result: Any = None


Tell = Callable[[Message], None]


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
    def do(self, place: Place, tell: Tell) -> Any:
        """Do it; what is returned reaches the study."""

    def run(self, place: Place, on_event: Callable[[int, Event], None] | None = None) -> Run:
        """The run of the variant."""
        return Run(
            self.configuration,
            _corpus(place.corpus),
            place.corpus,
            self.folder,
            self.seeds,
            Devices(place.accelerator),
            on_event=on_event,
            sinks=lambda folder: sinks_for(
                place.track,
                folder,
                store=place.store,
                name=f"{self.variant}/{folder.name}",
                parameters=self.configuration.to_dict(),
                tags={"variant": self.variant},
            ),
        )


@dataclass(frozen=True)
class Train(Job):
    """Train one seed.

    Attributes:
        seed: which.
    """

    seed: int

    def do(self, place: Place, tell: Tell) -> None:
        """Train from the last checkpoint, or from the beginning."""
        last = [0.0]

        def on_event(seed: int, event: Event) -> None:
            if time.monotonic() - last[0] > _SECONDS_BETWEEN_WORDS:
                last[0] = time.monotonic()
                fraction = (event.epoch + event.step / event.steps) / event.epochs
                tell(Message("progress", min(fraction, 1.0), f"best {100 * max(event.best.score, 0):.2f}"))

        self.run(place, on_event).train(self.seed)


@dataclass(frozen=True)
class Finish(Job):
    """Test a variant whose seeds are all trained, and write its report.

    Attributes:
        rates: test it with modalities missing at these rates too.
    """

    rates: tuple[float, ...] | None

    def do(self, place: Place, tell: Tell) -> None:
        """Test once."""
        run = self.run(place)
        if self.rates is not None:
            tables = [predictions_under(p, run.corpus, self.rates, seed) for seed, p in run.predictors().items()]
            with replacing(self.folder / CONDITIONS) as temporary:
                pq.write_table(pa.concat_tables(tables), temporary)
        run.finish()


@dataclass(frozen=True)
class Measure(Job):
    """Measure what the variant costs, in a process that has done nothing else."""

    def do(self, place: Place, tell: Tell) -> Cost:
        """One round."""
        return measure(self.configuration, _corpus(place.corpus), Devices(place.accelerator, threads=place.threads))


@lru_cache(maxsize=1)
def _corpus(path: str) -> Corpus:
    return Corpus.read(path)


def serve(connection: Connection, place: Place) -> None:
    """Do the jobs that come through ``connection`` until None comes or nobody is there any more."""
    import torch

    torch.set_num_threads(place.threads)
    end_with_parent()
    load_again(place.imports)

    def tell(message: Message) -> None:
        try:
            connection.send(message)
        except OSError:
            os._exit(1)  # the study is gone: end here, without writing anything more

    while True:
        try:
            job: Job | None = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        if job is None:
            return
        try:
            result = job.do(place, tell)
        except KeyboardInterrupt:
            return
        except CrossspaceError as error:
            tell(Message("failed", text=str(error)))
        except Exception:
            tell(Message("failed", text=traceback.format_exc()))
        else:
            tell(Message("done", 1.0, result=result))
