"""From a study to finished runs: what is not yet done is done, what failed is written down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crossspace.data.corpus import Corpus
from crossspace.engine.claim import claimed
from crossspace.engine.engines import Local
from crossspace.engine.processes import Processes
from crossspace.engine.progress import Progress
from crossspace.engine.work import Done, Event, Failed, Reported, one_line
from crossspace.engine.workers import Engine
from crossspace.errors import UsageError
from crossspace.experiment import Run
from crossspace.experiment.folder import SEED_RESULT
from crossspace.runtime import checked_seeds, processors
from crossspace.studies.costs import ROUNDS
from crossspace.studies.folder import CONDITIONS, StudyFolder
from crossspace.studies.study import Study, Variant
from crossspace.studies.worker import Finish, Job, JobSetup, Measure, Train, work_at
from crossspace.training.devices import Devices
from crossspace.training.tracking import Tracker, check_tracker


class StudyRun:
    """Runs what a study still lacks.

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
        path: str | Path,
        folder: str | Path,
        seeds: Sequence[int],
        jobs: int = 1,
        accelerator: str = "auto",
        track: Tracker = "auto",
        rounds: int = ROUNDS,
        on_progress: Callable[[Progress], None] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.study, self.corpus, self.path = study, corpus, Path(path)
        self.folder, self.seeds, self.jobs = StudyFolder(folder), tuple(checked_seeds(seeds)), jobs
        self.devices, self.track, self.rounds = Devices(accelerator), track, rounds
        self.on_progress = on_progress or (lambda progress: None)
        self.engine = engine or Local()
        self.failures: dict[str, str] = {}

    def execute(self) -> dict[str, str]:
        """Run the study and return ``{variant: reason}`` of what failed.

        Raises:
            UsageError: the folder holds something else, or a training cannot begin at all.
        """
        # Before the folder is made: a missing library should leave nothing behind.
        check_tracker(self.track)
        with ExitStack() as claims:
            claims.enter_context(claimed(self.folder.path))
            threads = self.folder.claim(
                self.study, self.path, self.corpus.fingerprint, self.seeds, max(1, processors() // self.jobs)
            )
            # What cannot run here counts as failed from the beginning: nobody trains a part of it.
            self.failures = {v.name: v.unusable for v in self.study.variants if v.unusable is not None}
            for variant in self._usable():  # nobody resumes one of its runs alone meanwhile
                claims.enter_context(claimed(self.folder.run(variant.name)))
            self._train(threads)
            if "costs" in self.study.report:
                self._measure()
            self.folder.write_failures(self.failures)
        return self.failures

    def _setup(self, threads: int) -> JobSetup:
        return JobSetup(str(self.path), self.devices.accelerator, threads, self.track, self.folder.path)

    def _usable(self) -> list[Variant]:
        return [variant for variant in self.study.variants if variant.name not in self.failures]

    def _run(self, variant: Variant) -> Run:
        folder = self.folder.run(variant.name)
        return Run(variant.configuration, self.corpus, self.path, folder, self.seeds, self.devices)

    def _train(self, threads: int) -> None:
        progress = Progress(total=len(self._usable()) * len(self.seeds))
        untrained: dict[str, set[int]] = {}
        jobs = [job for variant in self._usable() for job in self._jobs_of(variant, progress, untrained)]
        self.on_progress(progress)
        with self.engine.workers(work_at(self._setup(threads)), min(self.jobs, len(jobs)), threads=threads) as running:
            running.add(jobs)
            for event in running:
                # Test at once what is trained: an interrupted study then has whole variants instead of many halves.
                running.add(self._jobs_after(event, progress, untrained), first=True)

    def _jobs_of(self, variant: Variant, progress: Progress, untrained: dict[str, set[int]]) -> list[Job]:
        """What a variant lacks; its seeds without a result are noted in ``untrained``."""
        run = self._run(variant)
        # Here and not in the worker: what is wrong with one variant should stop the study before it costs a day.
        run.check()
        run.claim(resume=True)
        if run.results() is not None and self._tested(variant):
            progress.done += len(self.seeds)
            return []
        missing = [seed for seed in self.seeds if not (run.folder / f"seed-{seed}" / SEED_RESULT).exists()]
        progress.done += len(self.seeds) - len(missing)
        untrained[variant.name] = set(missing)
        common = (variant.name, variant.configuration, run.folder, self.seeds)
        # All seeds may be trained and the test missing, when the study was interrupted between the two.
        return [Train(*common, seed) for seed in missing] or [self._finish(variant)]

    def _jobs_after(self, event: Event[Job], progress: Progress, untrained: dict[str, set[int]]) -> list[Job]:
        """Take note of what happened to a job; returns what is to be done in consequence."""
        job = event.item
        key = f"{job.variant} seed {job.seed}" if isinstance(job, Train) else job.variant
        # Whatever the news is, what was reported before is out of date.
        progress.running.pop(key, None)
        news = "done"
        if isinstance(event, Reported):
            progress.running[key], news = event.message.fraction, event.message.text
        elif isinstance(event, Failed):
            news = one_line(event.reason)
            progress.failed += isinstance(job, Train)
            self._failed(job.variant, f"{key}: {event.reason}")
        elif isinstance(job, Train):
            progress.done += 1
            untrained[job.variant].discard(job.seed)
        progress.text = f"{key} {news}"
        self.on_progress(progress)
        # Not after a failed seed: without all of them a variant is neither tested nor reported.
        trained = isinstance(job, Train) and isinstance(event, Done) and not untrained[job.variant]
        return [self._finish(self.study.variant(job.variant))] if trained else []

    def _failed(self, variant: str, reason: str) -> None:
        self.failures[variant] = "\n".join(filter(None, (self.failures.get(variant), reason)))
        self.folder.write_failures(self.failures)

    def _tested(self, variant: Variant) -> bool:
        return self._rates(variant) is None or (self.folder.run(variant.name) / CONDITIONS).exists()

    def _rates(self, variant: Variant) -> tuple[float, ...] | None:
        conditions = self.study.conditions
        is_tested = conditions is not None and conditions.of in (variant.name, variant.twin_of)
        return conditions.rates if conditions is not None and is_tested else None

    def _finish(self, variant: Variant) -> Finish:
        folder = self.folder.run(variant.name)
        return Finish(variant.name, variant.configuration, folder, self.seeds, self._rates(variant))

    def _measure(self) -> None:
        """Every variant alone, in turn, a few times over."""
        costs: dict[str, list[Any]] = defaultdict(list, self.folder.costs())
        # A twin is the same model; only its epoch is chosen in another way.
        variants = [v for v in self._usable() if v.twin_of is None]
        rounds = [
            Measure(v.name, v.configuration, self.folder.run(v.name), self.seeds)
            # Variants in turn: a machine that slows down then does so for all of them.
            for number in range(self.rounds)
            for v in variants
            # Rounds of an interrupted study are kept.
            if number >= len(costs[v.name])
        ]
        progress = Progress(total=len(rounds))

        setup = self._setup(processors())
        # One at a time and in a fresh process, or one measurement would slow down the other or inherit its memory.
        with Processes(work_at(setup), 1, threads=setup.threads, lasting=False) as running:
            running.add(rounds)
            for event in running:
                job = event.item
                if isinstance(event, Done):
                    costs[job.variant].append(asdict(event.result))
                    self.folder.write_costs(costs)
                    progress.done += 1
                elif isinstance(event, Failed):
                    progress.failed += 1
                    self._failed(job.variant, f"measuring: {event.reason}")
                progress.text = f"measuring {job.variant}"
                self.on_progress(progress)


def check_counts(**counts: int) -> None:
    """Raise :class:`UsageError` unless every one is at least 1."""
    low = {name: count for name, count in counts.items() if count < 1}
    if low:
        listed = ", ".join(f"--{name} {count}" for name, count in low.items())
        raise UsageError(f"{' and '.join(f'`--{n}`' for n in counts)} should be at least 1. Found {listed}.")
