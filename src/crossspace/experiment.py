"""From a configuration and a corpus to a run folder: train every seed, test once, write everything down."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import yaml
from lightning_fabric import Fabric

from crossspace.components import imported, recorded, warn_of_changes
from crossspace.configuration import Configuration, read_yaml
from crossspace.data.corpus import Corpus
from crossspace.data.summary import validation_summary
from crossspace.data.task import UNLABELLED
from crossspace.digests import check_sums, write_sums
from crossspace.engine.claim import claimed, strangers
from crossspace.errors import UsageError
from crossspace.evaluation.aggregate import aggregate
from crossspace.evaluation.report import write_report
from crossspace.models.base import Model
from crossspace.predict import Predictor, predictions_of
from crossspace.reading import reading
from crossspace.runtime import checked_seeds, replacing, seed_everything, versions, write_text
from crossspace.training.checkpoint import CHECKPOINT
from crossspace.training.devices import Devices
from crossspace.training.history import History, Sink
from crossspace.training.processes import is_first_process
from crossspace.training.trainer import Event, Trainer

CONFIG, ENVIRONMENT, RESULTS, REPORT = "config.yaml", "environment.json", "results.json", "report.html"
BEGUN = "corpus.json"
SEED_RESULT = "result.json"
SUMMED = (CONFIG, BEGUN, ENVIRONMENT, "history.jsonl", "predictions.parquet", "conditions.parquet", RESULTS)
"""Files of a finished run whose digests lie beside them."""
_AGAIN = "Remove the folder and run again, or choose another one."


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
    """

    def __init__(
        self,
        configuration: Configuration,
        corpus: Corpus,
        corpus_path: str | Path,
        folder: str | Path,
        seeds: Sequence[int] = (0,),
        devices: Devices | None = None,
        on_event: Callable[[int, Event], None] | None = None,
        sinks: Callable[[Path], list[Sink]] | None = None,
    ) -> None:
        self.configuration, self.corpus_path = configuration, Path(corpus_path)
        self.whole, self.corpus = corpus, configuration.view(corpus)
        self.left_out = set(corpus.spec.modalities) - set(self.corpus.spec.modalities)
        self.folder, self.seeds = Path(folder), checked_seeds(seeds)
        self.devices, self.on_event = devices or Devices(), on_event
        self.sinks = sinks or (lambda folder: [])

    def execute(self, resume: bool = False) -> dict[str, Any]:
        """Train what is not yet trained, then test and report; returns the content of ``results.json``.

        Nothing is written before everything is known to be right.

        Raises:
            UsageError: the folder holds another run, one that is to be resumed explicitly, or one that another process
                is at work on; or the configuration does not fit the corpus.
        """
        self.check()
        with claimed(self.folder) if is_first_process() else nullcontext():
            return self._execute(resume)

    def _execute(self, resume: bool) -> dict[str, Any]:
        if is_first_process():
            self.claim(resume)
        done = self.results() if resume else None
        if done is not None:
            return done
        for seed in self.seeds:
            self.train(seed)
        self.fabric.barrier()
        return self.finish() if self.fabric.is_global_zero else {}

    @cached_property
    def fabric(self) -> Fabric:
        """Devices, precision and processes; launched when first asked for."""
        return self.devices.fabric(self.configuration.training.precision)

    def claim(self, resume: bool = False) -> None:
        """Make the folder ours, or find that it is.

        Raises:
            UsageError: the folder holds another run, or one that is to be resumed explicitly.
        """
        stated = self._stated()
        path = self.folder / CONFIG
        if not path.exists():
            self._check_emptiness()
            # config.yaml comes last: it is what makes the folder a run.
            write_text(self.folder / BEGUN, json.dumps({"fingerprint": self.corpus.fingerprint}) + "\n")
            write_text(path, yaml.safe_dump(stated, sort_keys=False, allow_unicode=True))
            return
        if not resume:
            raise UsageError(
                f"{self.folder} already holds a run. Choose another folder, or go on with this one by --resume."
            )
        self._compare(read_yaml(path), stated)
        # A corpus only says that it is the same: half a training on other data would be worse than none.
        if not self.is_finished:
            self.whole.verify()

    def _check_emptiness(self) -> None:
        """Nothing may be in the folder but what a run leaves that was killed while it claimed the folder."""
        if any(name != BEGUN for name in strangers(self.folder)):
            raise UsageError(f"{self.folder} should be a new or empty folder. It holds other files; name another.")

    def check(self) -> None:
        """Whether everything is right, the test split included, as is better known before the training than after it.

        Raises:
            UsageError: the configuration does not fit the corpus, or there is nothing to test on.
        """
        self.configuration.check(self.whole, self.devices.count)
        if not (self.corpus.labels("test") != UNLABELLED).any():
            raise UsageError(
                f"A run needs labelled conversations in the split 'test' of corpus {self.corpus.name!r}. Found none. "
                "Import the corpus with a split column that names some."
            )

    @property
    def is_finished(self) -> bool:
        """Whether the run got as far as its report, which is written last."""
        return all((self.folder / name).exists() for name in (RESULTS, REPORT))

    def results(self) -> dict[str, Any] | None:
        """The results of a finished run."""
        path = self.folder / RESULTS
        if not self.is_finished:
            return None
        check_sums(self.folder)
        with reading(path, "the results of a run", _AGAIN):
            return dict(json.loads(path.read_text(encoding="utf-8")))

    def _compare(self, stored: dict[str, Any], stated: dict[str, Any]) -> None:
        differing = [
            f"{name}: {stored_value!r} in the folder, {new_value!r} now"
            for name, stored_value, new_value in differences(stored, stated)
            if name not in ("data", "imports")
        ]
        warn_of_changes(stored.get("imports"), "The run")
        if differing:
            raise UsageError(
                f"{self.folder} holds a run with another configuration:\n  "
                + "\n  ".join(differing)
                + "\nResume with the same options, or choose another folder."
            )
        with reading(self.folder / BEGUN, "the fingerprint of a corpus", _AGAIN):
            begun_with = json.loads((self.folder / BEGUN).read_text(encoding="utf-8"))["fingerprint"]
        if begun_with != self.corpus.fingerprint:
            raise UsageError(
                f"{self.folder} was begun on a corpus with the fingerprint {begun_with}; {self.corpus_path} has "
                f"{self.corpus.fingerprint}. Resume with the same corpus, or choose another folder."
            )

    def _stated(self) -> dict[str, Any]:
        return {
            "data": str(self.corpus_path),
            "seeds": self.seeds,
            **recorded(imported(), self.folder),
            **self.configuration.to_dict(),
        }

    def _seed_folder(self, seed: int) -> Path:
        return self.folder / f"seed-{seed}"

    def train(self, seed: int) -> None:
        """Train one seed, from its last checkpoint where there is one; nothing when it is trained already."""
        fabric, folder = self.fabric, self._seed_folder(seed)
        if (folder / SEED_RESULT).exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        seed_everything(seed)
        model = self.configuration.build_model(self.corpus.spec, self.left_out)
        model.details = self._details(seed)
        began = time.monotonic()
        trainer = Trainer(
            fabric,
            self.corpus,
            model,
            self.configuration.build_balancer(),
            self.configuration.training,
            folder,
            seed,
            history=History(folder / "history.jsonl", self.sinks(folder) if fabric.is_global_zero else []),
            on_event=None if self.on_event is None else lambda event: self.on_event(seed, event),  # type: ignore[misc]
        )
        with self.devices.limit_threads(sum(p.numel() for p in model.parameters())):
            best = trainer.fit()
            threads = torch.get_num_threads()
        if fabric.is_global_zero:
            result = {
                "seed": seed,
                "best_epoch": best.epoch,
                "best_score": best.score,
                "chosen_on": trainer.deciding_split,
                "seconds": round(time.monotonic() - began, 3),
                "parameters": sum(p.numel() for p in model.parameters()),
                "threads": threads,
            }
            write_text(folder / SEED_RESULT, json.dumps(result, indent=2) + "\n")
            write_sums(folder, [SEED_RESULT])  # it decides which seed predicts
        trainer.discard_checkpoint()

    def _details(self, seed: int) -> dict[str, Any]:
        return {
            "corpus": {"name": self.corpus.name, "fingerprint": self.corpus.fingerprint},
            "extractors": {m: dict(e) for m, e in self.corpus.extractors.items()},
            "training_labels": self._training_labels(),
            "protocol": self.configuration.training.protocol,
            "recipe": self.configuration.recipe,
            "seed": seed,
        }

    def _training_labels(self) -> dict[str, int]:
        """Utterances of every label that training sees."""
        splits = ("train", "validation") if self.configuration.training.protocol == "best-on-test" else ("train",)
        truth = np.concatenate([self.corpus.labels(split) for split in splits])
        return {label: int((truth == index).sum()) for index, label in enumerate(self.corpus.spec.labels)}

    def _way_to_corpus(self) -> str:
        """The corpus file as seen from the run folder, so that both can be moved together."""
        try:
            return Path(os.path.relpath(self.corpus_path.resolve(), self.folder.resolve())).as_posix()
        except ValueError:  # on another drive of Windows
            return str(self.corpus_path.absolute())

    def predictors(self) -> dict[int, Predictor]:
        """The trained model of every seed."""
        return {seed: Predictor.from_pretrained(self._seed_folder(seed)) for seed in self.seeds}

    def finish(self) -> dict[str, Any]:
        """Read the test split once and write everything that stands above the seeds."""
        predictions = pa.concat_tables(
            [predictions_of(predictor, self.corpus, "test", seed) for seed, predictor in self.predictors().items()]
        )
        for seed in self.seeds:  # one that was killed between its result and the removal of its checkpoint
            (self._seed_folder(seed) / CHECKPOINT).unlink(missing_ok=True)
        training = self.configuration.training
        results = aggregate(predictions, self.corpus.spec.labels, protocol=training.protocol, split="test")
        if "test" in self.corpus.ceilings:
            results["ceiling"] = {"accuracy": self.corpus.ceilings["test"]}
        with replacing(self.folder / "predictions.parquet") as temporary:
            pq.write_table(predictions, temporary)
        with replacing(self.folder / "history.jsonl") as temporary:
            parts = [(self._seed_folder(seed) / "history.jsonl").read_bytes() for seed in self.seeds]
            temporary.write_bytes(b"".join(parts))
        write_text(self.folder / ENVIRONMENT, json.dumps(self._environment(), indent=2) + "\n")
        write_text(self.folder / RESULTS, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
        write_sums(self.folder, SUMMED)
        write_report(self.folder)
        return results

    def _environment(self) -> dict[str, Any]:
        results = [_seed_result(self._seed_folder(seed)) for seed in self.seeds]
        model: type[Model] = type(Predictor.from_pretrained(self._seed_folder(self.seeds[0])).model)
        spec = self.corpus.spec
        return {
            "versions": versions(),
            "device": str(self.fabric.device),
            "processes": self.devices.count,
            "threads": results[0]["threads"],
            "precision": self.configuration.training.precision,
            "seeds": self.seeds,
            "corpus": {
                "name": self.corpus.name,
                "fingerprint": self.corpus.fingerprint,
                "source": self.corpus.source,
                "licence": self.corpus.licence,
                "labels": list(spec.labels),
                "modalities": dict(spec.widths),
                "path": self._way_to_corpus(),
                "training_labels": self._training_labels(),
                "validation": validation_summary(self.whole),
            },
            "balancer": {
                "name": self.configuration.balancer["name"],
                "about_weights": self.configuration.build_balancer().about_weights,
            },
            "protocol": self.configuration.training.protocol,
            "model": {"name": model.name, "parameters": results[0]["parameters"], "citation": model.citation},
            "recipe": self.configuration.recipe,
            **recorded(imported(), self.folder),
            "chosen": [{key: r[key] for key in ("seed", "best_epoch", "best_score", "chosen_on")} for r in results],
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(sum(r["seconds"] for r in results), 1),
        }


def _seed_result(folder: Path) -> dict[str, Any]:
    check_sums(folder)
    with reading(folder / SEED_RESULT, "how a seed ended", f"Remove the folder {folder} and resume.") as place:
        result = json.loads((folder / SEED_RESULT).read_text(encoding="utf-8"))
        for place.at in ("seed", "best_epoch", "best_score", "seconds", "parameters", "threads"):
            float(result[place.at])
        return dict(result)


def differences(left: Any, right: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """``(dotted name, left, right)`` of every value in which two nested dictionaries differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = list(dict.fromkeys([*left, *right]))
        return [d for k in keys for d in differences(left.get(k), right.get(k), f"{name}.{k}" if name else str(k))]
    return [] if left == right else [(name, left, right)]
