"""What a finished run says of how it came about: versions, device, corpus, model, seeds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crossspace.cache_folder import scratch_folder
from crossspace.components import imported, recorded
from crossspace.data.corpus import Corpus
from crossspace.data.seen import seen_by_split
from crossspace.data.summary import validation_summary
from crossspace.runtime import versions
from crossspace.stores import Place

if TYPE_CHECKING:
    from crossspace.experiment.run import Run
    from crossspace.models.base import Model


def environment_of(run: Run, model: type[Model], seed_results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The content of ``environment.json``.

    Args:
        run: whose seeds are all trained.
        model: the class that was trained.
        seed_results: how each seed ended.
    """
    configuration = run.configuration
    first = seed_results[0]  # parameters and threads are those of every seed
    return {
        "versions": versions(),
        "device": str(run.fabric.device),
        "processes": run.devices.processes,
        "threads": first["threads"],
        "precision": configuration.training.precision,
        "seeds": run.seeds,
        "corpus": _corpus(run),
        "balancer": {
            "name": configuration.balancer["name"],
            "about_weights": configuration.build_balancer().about_weights,
        },
        "protocol": configuration.training.protocol,
        "model": {"name": model.name, "parameters": first["parameters"], "citation": model.citation},
        "recipe": configuration.recipe,
        **recorded(imported(), run.folder),
        "chosen": [{key: r[key] for key in ("seed", "best_epoch", "best_score", "chosen_on")} for r in seed_results],
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(sum(r["seconds"] for r in seed_results), 1),
    }


def _corpus(run: Run) -> dict[str, Any]:
    corpus = run.corpus
    return {
        "name": corpus.name,
        "fingerprint": corpus.fingerprint,
        "source": corpus.source,
        "licence": corpus.licence,
        "labels": list(corpus.spec.labels),
        "modalities": dict(corpus.spec.widths),
        "path": _way_to(run.corpus_path, run.folder),
        "training_labels": training_labels(corpus, run.configuration.training.protocol),
        # Of the corpus with all its modalities: splits were cut before some were left out.
        "validation": validation_summary(run.whole),
        "seen": seen_by_split(corpus),
    }


def training_labels(corpus: Corpus, protocol: str) -> dict[str, int]:
    """Utterances of every label that training sees."""
    splits = ("train", "validation") if protocol == "best-on-test" else ("train",)
    truth = np.concatenate([corpus.labels(split) for split in splits])
    return {label: int((truth == index).sum()) for index, label in enumerate(corpus.spec.labels)}


def _way_to(corpus_path: Place, folder: Path) -> str:
    """The corpus file as seen from the run folder, so that both can be moved together.

    On a store it is an address, and for a run that is mirrored to one there is no way to a file of this machine.
    """
    if not isinstance(corpus_path, Path):
        return str(corpus_path)
    if folder.resolve().is_relative_to(scratch_folder().resolve()):
        return str(corpus_path.resolve())
    try:
        return Path(os.path.relpath(corpus_path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return str(corpus_path.absolute())
