"""From a plan to encoders, corpora with their features, and what their classifiers score."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.data.corpus import Corpus
from crossspace.engine.beating import Claim
from crossspace.engine.claim import claimed
from crossspace.engine.progress import Progress
from crossspace.errors import CrossspaceWarning, UsageError
from crossspace.evaluation.aggregate import aggregate
from crossspace.features.finetuned.saved import is_among, marks_of
from crossspace.features.finetuned.text import licence_note
from crossspace.finetuning.featured import Featured
from crossspace.finetuning.head import HEAD, head_of
from crossspace.finetuning.plan import Plan
from crossspace.finetuning.training import train_parts
from crossspace.models.saved import CONFIG
from crossspace.reading import reading
from crossspace.runtime import replacing, write_text
from crossspace.training.checkpoint import CHECKPOINT

PLAN, FEATURES, PREDICTIONS, RESULTS = "finetuning.json", "features.parquet", "predictions.parquet", "results.json"


def finetune(
    plan: Plan,
    folder: Path,
    *,
    jobs: int = 1,
    threads: int = 1,
    device: str = "cpu",
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Any]:
    """Fine-tune an encoder on a corpus, and encode the corpus with it.

    Below ``folder``: ``seed-N/all`` and ``seed-N/fold-K``, the encoders; ``seed-N/features.parquet``, the corpus with
    their features; ``seed-N/head``, the classifier of the encoder as a model; ``predictions.parquet`` and
    ``results.json``, what the classifiers of the encoders say of the test split, read once. What is there already is
    not made again; a folder that was interrupted is gone on with.

    Args:
        plan: what is fine-tuned.
        folder: new, or of the same plan.
        jobs: encoders at a time, each in a process of its own.
        threads: of each on the CPU.
        device: ``cpu`` or ``cuda``.
        on_progress: called whenever something happened.

    Returns:
        The content of ``results.json``; without ``metrics`` where nothing in the test split has a label.

    Raises:
        DataError: the corpus has nothing to learn from, or the encoder cannot be had.
        UsageError: folds or settings do not fit corpus or encoder, or the folder is that of another fine-tuning.
        TrainingError: an encoder could not be trained.
    """
    corpus = Corpus.read(plan.corpus)
    plan.material(corpus).check(corpus, plan.base)
    parts = plan.parts(corpus)
    if twice := _in_two_splits(corpus):
        warnings.warn(
            CrossspaceWarning(
                f"{len(twice)} conversations outside of training say what training conversations say, such as "
                f"{twice[0]!r}: the encoders have seen their labels. They are marked so; leave them out to be strict."
            ),
            stacklevel=2,
        )
    if note := licence_note(plan.base):
        warnings.warn(CrossspaceWarning(note), stacklevel=2)
    with claimed(folder) as claim:
        on_progress = _while_held(claim, on_progress)
        _claim(folder, plan.stated(corpus))
        corpus.verify()
        train_parts(plan, corpus, folder, parts, jobs=jobs, threads=threads, device=device, on_progress=on_progress)
        for part in parts:  # one that was killed between its encoder and the removal of its checkpoint
            (folder / part.folder / CHECKPOINT).unlink(missing_ok=True)
        tables = []
        for seed in plan.seeds:
            own, mine = folder / f"seed-{seed}", [part for part in parts if part.seed == seed]
            # Beside the features, so that neither is made without the other.
            if not (own / FEATURES).exists() or not (own / PREDICTIONS).exists():
                featured = Featured(corpus, plan, own, mine, _encoding(seed, corpus, len(parts), on_progress))
                with replacing(own / PREDICTIONS) as temporary:
                    pq.write_table(featured.predictions("test", seed), temporary)
                featured.features().write(own / FEATURES)
            # The description is written last: a kill may have come before it.
            if not (own / HEAD / CONFIG).exists() and (head := head_of(Corpus.read(own / FEATURES), plan, own, seed)):
                head.save(own / HEAD)
            tables.append(pq.read_table(own / PREDICTIONS))
        return _results(folder, plan, corpus, pa.concat_tables(tables))


def _encoding(seed: int, corpus: Corpus, parts: int, on_progress: Callable[[Progress], None]) -> Callable[[int], None]:
    """Tells how many utterances are encoded."""
    total = sum(corpus.lengths("all"))

    def said(done: int) -> None:
        on_progress(Progress(parts, parts, text=f"seed-{seed}: {done:,} of {total:,} utterances encoded"))

    return said


def _in_two_splits(corpus: Corpus) -> list[str]:
    """The conversations of validation and test that training conversations repeat."""
    train = marks_of(corpus.split("train"))
    others = (c for split in ("validation", "test") for c in corpus.split(split))
    return [c.id for c in others if is_among(c, train)]


def _results(folder: Path, plan: Plan, corpus: Corpus, predictions: pa.Table) -> dict[str, Any]:
    labels = corpus.spec.labels
    results: dict[str, Any] = {"protocol": "validation", "split": "test", "seeds": list(plan.seeds)}
    if predictions["truth"].null_count < predictions.num_rows:
        results = aggregate(predictions, labels, protocol="validation", split="test")
    with replacing(folder / PREDICTIONS) as temporary:
        pq.write_table(predictions, temporary)
    write_text(folder / RESULTS, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    return results


def _while_held(claim: Claim, on_progress: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Ends the work at its next word when another process took it for dead and has taken over."""

    def tell(progress: Progress) -> None:
        claim.check()
        on_progress(progress)

    return tell


def _claim(folder: Path, stated: dict[str, Any]) -> None:
    """Make the folder ours, or find that it is."""
    path = folder / PLAN
    if not path.exists():
        others = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
        if others:
            raise UsageError(f"{folder} should be new or empty. Found {', '.join(others[:5])}. Name another folder.")
        write_text(path, json.dumps(stated, indent=2, ensure_ascii=False) + "\n")
        return
    with reading(path, "the plan of a fine-tuning", "Name another folder."):
        known = json.loads(path.read_text(encoding="utf-8"))
    differ = [key for key in stated if known.get(key) != json.loads(json.dumps(stated[key]))]
    if differ:
        said = "; ".join(f"{key} was {_short(known.get(key))} and is {_short(stated[key])}" for key in differ)
        raise UsageError(
            f"{folder} holds another fine-tuning: {said}. Give the same options to go on, or name another folder."
        )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 80 else f"{text[:77]}..."
