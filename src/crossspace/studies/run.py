"""From a study to finished runs: what is not yet done is done, what failed is written down."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crossspace.data.corpus import Corpus
from crossspace.engine.claim import ClaimedError, claimed, claimed_in_turn, is_claimed
from crossspace.engine.engines import Local
from crossspace.engine.owner import newest
from crossspace.engine.processes import Processes
from crossspace.engine.progress import Progress
from crossspace.engine.watch import Watch
from crossspace.engine.work import Done, Event, Failed, Reported, one_line
from crossspace.engine.workers import Engine
from crossspace.errors import UsageError
from crossspace.experiment import Run
from crossspace.experiment.folder import RunFolder
from crossspace.runtime import MOST_SEEDS, checked_seeds, processors
from crossspace.stores import Where, place
from crossspace.studies.costs import ROUNDS
from crossspace.studies.folder import StudyFolder
from crossspace.studies.job import Elsewhere, JobSetup
from crossspace.studies.queue import INTERVAL, Lacking, Queue
from crossspace.studies.study import Study, Variant
from crossspace.studies.worker import Finish, Measure, Train, work_at
from crossspace.training.devices import Devices
from crossspace.training.tracking import Tracker, check_tracker

_UNUSABLE, _COSTS = "unusable", "costs"
"""Parts of a variant that can fail beside its trainings and its test."""


class StudyRun:
    """Runs what a study still lacks. Several processes may do so with one folder, and share the work.

    Args:
        study: checked.
        corpus, path: on which corpus, and its file.
        folder: of the study.
        seeds: of every variant.
        jobs: trainings at a time.
        accelerator: ``auto``, ``cpu`` or ``cuda``.
        track: what trainings are followed with.
        rounds: measurements of what each variant costs, where the study reports that.
        on_progress: called whenever something happened.
        engine: where it trains, :class:`Local` when not given. Costs are measured on this machine in any case, or they
            would not compare.
    """

    def __init__(
        self,
        study: Study,
        corpus: Corpus,
        path: Where,
        folder: str | Path,
        seeds: Sequence[int],
        jobs: int = 1,
        accelerator: str = "auto",
        track: Tracker = "auto",
        rounds: int = ROUNDS,
        on_progress: Callable[[Progress], None] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.study, self.corpus, self.path = study, corpus, place(path)
        self.folder, self.seeds, self.jobs = StudyFolder(folder), tuple(checked_seeds(seeds)), jobs
        self.devices, self.track, self.rounds = Devices(accelerator), track, rounds
        self.on_progress = on_progress or (lambda progress: None)
        self.engine = engine or Local()

    def execute(self) -> dict[str, str]:
        """Run the study and return ``{variant: reason}`` of what failed, here or in other processes that run it too.

        Raises:
            UsageError: the folder holds something else, or a training cannot begin at all.
        """
        # Before the folder is made: a missing library should leave nothing behind.
        check_tracker(self.track)
        threads = self.folder.claim(
            self.study, self.path, self.corpus.fingerprint, self.seeds, max(1, processors() // self.jobs)
        )
        for variant in self.study.variants:
            # What cannot run here counts as failed from the beginning: nobody trains a part of it.
            if variant.unusable is None:
                self.folder.failures.remove(variant.name, _UNUSABLE)
            elif not self.folder.failures.token(variant.name, _UNUSABLE):
                self.folder.failures.write(variant.name, _UNUSABLE, variant.unusable)
        self._train(threads)
        with claimed_in_turn(self.folder.path):
            if "costs" in self.study.report:
                self._measure()
            self.folder.failures.forget_earlier()
            self._forget_the_dead()
        return self.folder.failures.merged()

    def _forget_the_dead(self) -> None:
        """Remove the claims of those who were killed behind their last word, as nobody takes up what is done."""
        for run in (RunFolder(self.folder.run(variant.name)) for variant in self._usable()):
            for folder in (run.path, *map(run.seed, self.seeds)):
                if newest(folder) is not None:
                    with suppress(ClaimedError), claimed(folder, dead=()):
                        pass

    def _setup(self, threads: int) -> JobSetup:
        return JobSetup(str(self.path), self.devices.accelerator, threads, self.track, self.folder.path)

    def _usable(self) -> list[Variant]:
        return [variant for variant in self.study.variants if variant.unusable is None]

    def _run(self, variant: Variant) -> Run:
        folder = self.folder.run(variant.name)
        return Run(variant.configuration, self.corpus, self.path, folder, self.seeds, self.devices)

    def _train(self, threads: int) -> None:
        queue = Queue(self.folder, {variant.name: self._lacking(variant) for variant in self._usable()})
        progress = Progress(total=queue.total)
        free = queue.free()
        self._tell(progress, queue)
        if queue.is_empty:
            return
        jobs = min(self.jobs, queue.total)
        with self.engine.workers(work_at(self._setup(threads)), jobs, threads=threads) as running:
            running.add(free)
            while not queue.is_empty:
                for event in running:
                    self._heard(event, progress, queue)
                    # Test at once what is trained: an interrupted study then has whole variants instead of many halves.
                    running.add(queue.free(), first=True)
                    self._tell(progress, queue)
                # The others are at work on what is left, or have just died.
                time.sleep(0 if queue.is_empty else INTERVAL)
                running.add(queue.free())
                self._tell(progress, queue)

    def _lacking(self, variant: Variant) -> Lacking:
        """What a variant may lack, in its run folder, which is made."""
        run = self._run(variant)
        # Here and not in the worker: what is wrong with one variant should stop the study before it costs a day.
        run.check()
        run.claim(resume=True)
        run.results()  # of a finished run: whether its files are what was written
        common = (variant.name, variant.configuration, run.folder, self.seeds)
        return Lacking([Train(*common, seed) for seed in self.seeds], Finish(*common, self._rates(variant)))

    def _heard(self, event: Event[Any], progress: Progress, queue: Queue) -> None:
        """Take note of what happened to a job."""
        job = event.item
        # Whatever the news is, what was reported before is out of date.
        progress.running.pop(job.name, None)
        if isinstance(event, Reported):
            progress.running[job.name], progress.text = event.message.fraction, f"{job.name} {event.message.text}"
        elif isinstance(event, Failed):
            if event.died:  # else it has written that down itself
                self.folder.failures.write(*job.failure(event.reason))
            queue.ended(job, failed=True)
            progress.text = f"{job.name} {one_line(event.reason)}"
        elif isinstance(event.result, Elsewhere):
            queue.ended(job, elsewhere=True)
        else:
            queue.ended(job)
            progress.text = f"{job.name} done"

    def _tell(self, progress: Progress, queue: Queue) -> None:
        progress.done, progress.failed = queue.trained, queue.failed
        self.on_progress(progress)

    def _rates(self, variant: Variant) -> tuple[float, ...] | None:
        conditions = self.study.conditions
        is_tested = conditions is not None and conditions.of in (variant.name, variant.twin_of)
        return conditions.rates if conditions is not None and is_tested else None

    def _measure(self) -> None:
        """Every variant alone, in turn, a few times over."""
        costs: dict[str, list[Any]] = defaultdict(list, self.folder.costs())
        # A twin is the same model; only its epoch is chosen in another way.
        variants = [v for v in self._usable() if v.twin_of is None and RunFolder(self.folder.run(v.name)).is_finished]
        rounds = [
            Measure(v.name, v.configuration, self.folder.run(v.name), self.seeds)
            # Variants in turn: a machine that slows down then does so for all of them.
            for number in range(self.rounds)
            for v in variants
            # Rounds of an interrupted study are kept.
            if number >= len(costs[v.name])
        ]
        progress = Progress(total=len(rounds))
        if rounds:
            self._wait_for_trainings()

        setup = self._setup(processors())
        # One at a time and in a fresh process, or one measurement would slow down the other or inherit its memory.
        with Processes(work_at(setup), 1, threads=setup.threads, lasting=False) as running:
            running.add(rounds)
            for event in running:
                job = event.item
                if isinstance(event, Done):
                    costs[job.variant].append(asdict(event.result))
                    self.folder.write_costs(costs)
                    self.folder.failures.remove(job.variant, _COSTS)
                    progress.done += 1
                elif isinstance(event, Failed):
                    progress.failed += 1
                    self.folder.failures.write(job.variant, _COSTS, f"measuring: {event.reason}", MOST_SEEDS)
                progress.text = f"measuring {job.variant}"
                self.on_progress(progress)

    def _wait_for_trainings(self) -> None:
        """Who began later may try again what failed; that would slow the measurements down."""
        places, watch = [self.folder.run(v.name) / f"seed-{s}" for v in self._usable() for s in self.seeds], Watch()
        while any(is_claimed(place, watch.dead_in(place)) for place in places):
            time.sleep(INTERVAL)


def check_counts(**counts: int) -> None:
    """Raise :class:`UsageError` unless every one is at least 1."""
    low = {name: count for name, count in counts.items() if count < 1}
    if low:
        listed = ", ".join(f"--{name} {count}" for name, count in low.items())
        raise UsageError(f"{' and '.join(f'`--{n}`' for n in counts)} should be at least 1. Found {listed}.")
