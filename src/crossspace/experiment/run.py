"""One experiment: train every seed, test once, write everything down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from lightning_fabric import Fabric

from crossspace.components import imported, recorded
from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.data.seen import seen_by_split
from crossspace.data.sizes import training_sizes
from crossspace.data.task import UNLABELLED
from crossspace.digests import write_sums
from crossspace.engine.beating import Claim
from crossspace.engine.claim import check_unclaimed, claimed
from crossspace.errors import UsageError
from crossspace.evaluation.aggregate import aggregate
from crossspace.evaluation.report import write_report
from crossspace.experiment.environment import environment_of, training_labels
from crossspace.experiment.folder import (
    ENVIRONMENT,
    HISTORY,
    PREDICTIONS,
    RESULTS,
    SEED_RESULT,
    SUMMED,
    RunFolder,
    seed_result,
)
from crossspace.models.base import Model
from crossspace.predict import Predictor, predictions_of
from crossspace.runtime import checked_seeds, processors, replacing, seed_everything, write_text
from crossspace.stores import Where, place
from crossspace.training.checkpoint import CHECKPOINT
from crossspace.training.devices import Devices
from crossspace.training.event import Event
from crossspace.training.history import History, Sink
from crossspace.training.options import SECONDS
from crossspace.training.processes import is_first_process
from crossspace.training.recorders import check_kind
from crossspace.training.rehearsal import rehearse
from crossspace.training.trainer import Trainer


class Run:
    """One experiment in one folder.

    Args:
        configuration: what is trained and how.
        corpus: on which data.
        corpus_path: where it was read from; written into ``config.yaml``.
        folder: the run folder.
        seeds: one training for each.
        devices: where to compute.
        on_event: progress, called with the seed and the event.
        sinks: makes further readers of the history of a seed, given the seed's folder.
        checkpoint_seconds: between two checkpoints, and what a training that is killed has to do again.
        jobs: seeds at a time, each in a process of its own; ``on_event`` is then told of every epoch and of some steps,
            and ``sinks`` is a function of a module.

    Attributes:
        held: the claim under which it trains; a training ends when that is lost.
    """

    def __init__(
        self,
        configuration: Configuration,
        corpus: Corpus,
        corpus_path: Where,
        folder: str | Path,
        seeds: Sequence[int] = (0,),
        devices: Devices | None = None,
        on_event: Callable[[int, Event], None] | None = None,
        sinks: Callable[[Path], list[Sink]] | None = None,
        checkpoint_seconds: float = SECONDS,
        jobs: int = 1,
    ) -> None:
        self.configuration, self.corpus_path = configuration, place(corpus_path)
        self.whole, self.corpus = corpus, configuration.view(corpus)
        self.left_out = set(corpus.spec.modalities) - set(self.corpus.spec.modalities)
        self.files, self.seeds = RunFolder(folder), checked_seeds(seeds)
        self.devices, self.on_event = devices or Devices(), on_event
        self.sinks = sinks or _no_sinks
        self.checkpoint_seconds, self.jobs = checkpoint_seconds, jobs
        self.held: Claim | None = None

    def execute(self, resume: bool = False) -> dict[str, Any]:
        """Train what is not yet trained, then test and report; returns the content of ``results.json``.

        Nothing is written before everything is known to be right.

        Raises:
            UsageError: the folder holds another run, one that is to be resumed explicitly, or one that another process
                is at work on; or the configuration does not fit the corpus.
        """
        self.check()
        if self.configuration.training.graphs:
            check_kind(self.devices.kind)
        with claimed(self.folder) if is_first_process() else nullcontext() as claim:
            self.held = claim
            if is_first_process():
                for seed in self.seeds:  # which a study may train at this moment
                    check_unclaimed(self.files.seed(seed))
            return self._execute(resume)

    def _execute(self, resume: bool) -> dict[str, Any]:
        if is_first_process():  # the others would find the folder taken by this one
            self.claim(resume)
        done = self.results() if resume else None
        if self._agree(done is not None):
            return done or {}
        if self.jobs > 1:
            return self._at_once()
        for seed in self.seeds:
            self.train(seed)
        self.fabric.barrier()  # nobody leaves while another still trains
        return self.finish() if self.fabric.is_global_zero else {}

    def _at_once(self) -> dict[str, Any]:
        """Train several seeds at a time, then test with as many threads as each of them had."""
        from crossspace.experiment.seeds import train_seeds

        # Of all seeds and not of those that are left: a resumed run is to have the digits of an uninterrupted one.
        before, threads = torch.get_num_threads(), max(1, processors() // min(self.jobs, len(self.seeds)))
        train_seeds(self, [s for s in self.seeds if not self._is_trained(s)], self.jobs, threads)
        torch.set_num_threads(threads)
        try:
            return self.finish()
        finally:
            torch.set_num_threads(before)

    def _is_trained(self, seed: int) -> bool:
        return (self.files.seed(seed) / SEED_RESULT).exists()

    @cached_property
    def fabric(self) -> Fabric:
        """Devices, precision and processes; launched when first asked for."""
        return self.devices.fabric(self.configuration.training.precision)

    def _agree(self, found: bool) -> bool:
        """What the first process has found: others may look before or after it has written."""
        return bool(self.fabric.broadcast(found)) if self.fabric.world_size > 1 else found

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.files.path

    def claim(self, resume: bool = False) -> None:
        """Make the folder ours, or find that it is.

        Raises:
            UsageError: the folder holds another run, or one that is to be resumed explicitly.
        """
        was_ours = self.files.claim(self._stated(), self.corpus.fingerprint, self.corpus_path, resume)
        # A corpus only says that it is the same: half a training on other data would be worse than none.
        if was_ours and not self.is_finished:
            self.whole.verify()

    def check(self) -> None:
        """Whether everything is right, the test split included, as is better known before the training than after it.

        Raises:
            UsageError: the configuration does not fit the corpus, there is nothing to test on, or several processes
                are to train one seed and several seeds at a time.
        """
        if self.jobs < 1:
            raise UsageError(f"`--jobs` should be at least 1. Found {self.jobs}.")
        if self.jobs > 1 and self.devices.processes > 1:
            raise UsageError(
                f"Several seeds at a time (`--jobs {self.jobs}`) or several processes for each should be asked for. "
                f"Found {self.devices.processes} processes; leave one of both out."
            )
        self.configuration.check(self.whole, self.devices.processes)
        if not (self.corpus.labels("test") != UNLABELLED).any():
            raise UsageError(
                f"A run needs labelled conversations in the split 'test' of corpus {self.corpus.name!r}. Found none. "
                "Import the corpus with a split column that names some."
            )
        if imported():  # code that nobody may have run before
            self._rehearse()

    def _rehearse(self) -> None:
        seed_everything(self.seeds[0])
        model = self.configuration.build_model(self.corpus.spec, self.left_out)
        rehearse(self.corpus, self.configuration.training, model, self.configuration.build_balancer())

    @property
    def is_finished(self) -> bool:
        """Whether the run got as far as its report, which is written last."""
        return self.files.is_finished

    def results(self) -> dict[str, Any] | None:
        """The results of a finished run."""
        return self.files.results()

    def _stated(self) -> dict[str, Any]:
        return {
            "data": str(self.corpus_path),
            "seeds": self.seeds,
            **recorded(imported(), self.folder),
            **self.configuration.to_dict(),
        }

    def train(self, seed: int) -> None:
        """Train one seed, from its last checkpoint where there is one; nothing when it is trained already."""
        fabric, folder = self.fabric, self.files.seed(seed)
        if self._agree(self._is_trained(seed)):
            return
        folder.mkdir(parents=True, exist_ok=True)
        seed_everything(seed)
        model = self.configuration.build_model(self.corpus.spec, self.left_out)
        model.details = self._details(seed)
        began = time.monotonic()
        trainer = self._trainer(model, seed)
        parameters = sum(p.numel() for p in model.parameters())
        with self.devices.limit_threads(parameters):
            best = trainer.fit()
            threads = torch.get_num_threads()  # inside, where the limit holds
        if fabric.is_global_zero:
            result = {
                "seed": seed,
                "best_epoch": best.epoch,
                "best_score": best.score,
                "chosen_on": trainer.deciding_split,
                "seconds": round(time.monotonic() - began, 3),
                "parameters": parameters,
                "threads": threads,
            }
            write_text(folder / SEED_RESULT, json.dumps(result, indent=2) + "\n")
            write_sums(folder, [SEED_RESULT])  # it decides which seed predicts
        # Only now: without a result, the checkpoint is all that a killed training has.
        trainer.discard_checkpoint()

    def _trainer(self, model: Model, seed: int) -> Trainer:
        folder = self.files.seed(seed)
        # One process writes the history; trackers of the others would repeat every value.
        sinks = self.sinks(folder) if self.fabric.is_global_zero else []
        return Trainer(
            self.fabric,
            self.corpus,
            model,
            self.configuration.build_balancer(),
            self.configuration.training,
            folder,
            seed,
            history=History(folder / HISTORY, sinks),
            on_event=lambda event: self.heard(seed, event),
            checkpoint_seconds=self.checkpoint_seconds,
        )

    def heard(self, seed: int, event: Event) -> None:
        """A training got further: go on only while the folder is ours, and pass it on."""
        if self.held is not None:
            self.held.check()
        if self.on_event is not None:
            self.on_event(seed, event)

    def _details(self, seed: int) -> dict[str, Any]:
        """What the saved model says of how it came about, so that it explains itself without the run folder."""
        return {
            "corpus": {"name": self.corpus.name, "fingerprint": self.corpus.fingerprint},
            "extractors": {m: dict(e) for m, e in self.corpus.extractors.items()},
            "seen": seen_by_split(self.corpus),
            "training_sizes": training_sizes(self.corpus),
            "training_labels": training_labels(self.corpus, self.configuration.training.protocol),
            "protocol": self.configuration.training.protocol,
            "recipe": self.configuration.recipe,
            "seed": seed,
        }

    def predictors(self) -> dict[int, Predictor]:
        """The trained model of every seed."""
        return {seed: Predictor.from_pretrained(self.files.seed(seed)) for seed in self.seeds}

    def finish(self) -> dict[str, Any]:
        """Read the test split once and write everything that stands above the seeds."""
        predictors = self.predictors()
        parameters = sum(p.numel() for p in next(iter(predictors.values())).model.parameters())
        # As in training: the last digits of a probability may depend on the number of threads.
        with self.devices.limit_threads(parameters):
            tables = [predictions_of(predictor, self.corpus, "test", seed) for seed, predictor in predictors.items()]
        predictions = pa.concat_tables(tables)
        for seed in self.seeds:  # one that was killed between its result and the removal of its checkpoint
            (self.files.seed(seed) / CHECKPOINT).unlink(missing_ok=True)
        training = self.configuration.training
        results = aggregate(predictions, self.corpus.spec.labels, protocol=training.protocol, split="test")
        if "test" in self.corpus.ceilings:
            results["ceiling"] = {"accuracy": self.corpus.ceilings["test"]}
        with replacing(self.folder / PREDICTIONS) as temporary:
            pq.write_table(predictions, temporary)
        with replacing(self.folder / HISTORY) as temporary:
            parts = [(self.files.seed(seed) / HISTORY).read_bytes() for seed in self.seeds]
            temporary.write_bytes(b"".join(parts))
        write_text(self.folder / ENVIRONMENT, json.dumps(self._environment(), indent=2) + "\n")
        write_text(self.folder / RESULTS, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
        write_sums(self.folder, SUMMED)
        write_report(self.folder)  # last, and checked against the digests: it is what makes the run a finished one
        return results

    def _environment(self) -> dict[str, Any]:
        seed_results = [seed_result(self.files.seed(seed)) for seed in self.seeds]
        # The class of what was saved, which says more than a name: it may be from outside.
        model = type(Predictor.from_pretrained(self.files.seed(self.seeds[0])).model)
        return environment_of(self, model, seed_results)


def _no_sinks(folder: Path) -> list[Sink]:
    return []
