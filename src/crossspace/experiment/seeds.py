"""Several seeds of a run at a time, each in a process of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.engine.claim import claimed
from crossspace.engine.perform import perform
from crossspace.engine.work import Event as WorkEvent
from crossspace.engine.work import Failed, Report, Reported, Work
from crossspace.errors import CrossspaceError, DataError
from crossspace.experiment.run import Run
from crossspace.training.devices import Devices
from crossspace.training.event import Event
from crossspace.training.history import Sink

_SECONDS_BETWEEN_WORDS = 0.25


@dataclass(frozen=True)
class _Setup:
    """What a process needs to know to train any of the seeds; see :class:`Run`."""

    configuration: Configuration
    corpus: str
    fingerprint: str
    folder: Path
    seeds: Sequence[int]
    devices: Devices
    sinks: Callable[[Path], list[Sink]]
    checkpoint_seconds: float


def train_seeds(run: Run, seeds: Sequence[int], jobs: int, threads: int) -> None:
    """Train ``seeds`` of a run whose folder is ours; the numbers are those of training one after the other.

    Args:
        run: tells of their progress.
        seeds: those that are not trained yet.
        jobs: trainings at a time.
        threads: of each, where its model is large enough for several.

    Raises:
        CrossspaceError: some failed; the others are trained, and all go on with ``--resume``.
    """
    setup = _Setup(
        run.configuration,
        str(run.corpus_path),
        run.whole.fingerprint,
        run.folder,
        run.seeds,
        run.devices,
        run.sinks,
        run.checkpoint_seconds,
    )
    failed: dict[int, str] = {}

    def hear(event: WorkEvent[int]) -> list[int]:
        if isinstance(event, Reported):
            run.heard(event.item, event.message)
        elif isinstance(event, Failed):
            failed[event.item] = event.reason
        return []

    work = Work(_begin, _train, setup, modules=("torch._dynamo",))  # optimizers import it at their first step
    perform(work, seeds, hear, count=jobs, threads=threads)
    if failed:
        told = "\n".join(f"Seed {seed}: {failed[seed]}" for seed in sorted(failed))
        raise CrossspaceError(
            f"{len(failed)} of {len(run.seeds)} seeds should have been trained and were not.\n{told}\n"
            "What was trained is kept. Mend what is said, and go on with --resume."
        )


def _begin(setup: _Setup) -> Run:
    corpus = Corpus.read(setup.corpus)
    if corpus.fingerprint != setup.fingerprint:
        raise DataError(
            f"{setup.corpus} should be the corpus that this run began with. Found another: it was replaced while the "
            "run began. Put it back, or train in another folder."
        )
    return Run(
        setup.configuration,
        corpus,
        setup.corpus,
        setup.folder,
        setup.seeds,
        setup.devices,
        sinks=setup.sinks,
        checkpoint_seconds=setup.checkpoint_seconds,
    )


def _train(run: Run, seed: int, report: Report) -> None:
    last = [0.0]

    def tell(seed: int, event: Event) -> None:
        # Steps of a small model take a millisecond; whoever listens would do nothing else.
        if event.record["kind"] == "epoch" or time.monotonic() - last[0] > _SECONDS_BETWEEN_WORDS:
            last[0] = time.monotonic()
            report(event)

    run.on_event = tell
    # Its own claim: should whoever began this process die, nobody trains the seed a second time beside it.
    with claimed(run.files.seed(seed)) as run.held:
        run.train(seed)
