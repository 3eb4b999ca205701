"""The encoders of a fine-tuning, trained one after the other or side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.digests import SUMS
from crossspace.engine.processes import Processes
from crossspace.engine.progress import Progress
from crossspace.engine.work import Done, Failed, Report, Reported, Work, one_line
from crossspace.engine.work import Event as WorkEvent
from crossspace.errors import TrainingError
from crossspace.features.finetuned.saved import SavedEncoder, marks_of
from crossspace.finetuning.fit import Fit
from crossspace.finetuning.parts import Part
from crossspace.finetuning.plan import Plan
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import CHECKPOINT
from crossspace.training.event import Event

Tell = Callable[[float, str], None]
"""Told which fraction of a part is done, and the latest score."""


@dataclass(frozen=True)
class _Setup:
    plan: Plan
    folder: Path
    device: str


def train_parts(
    plan: Plan,
    corpus: Corpus,
    folder: Path,
    parts: Sequence[Part],
    *,
    jobs: int,
    threads: int,
    device: str,
    on_progress: Callable[[Progress], None],
) -> None:
    """Train the encoders that ``folder`` lacks, each from its last epoch where there is one.

    Args:
        plan: what is trained.
        corpus: as opened.
        folder: of the fine-tuning.
        parts: its encoders.
        jobs: at a time, each in a process of its own where there are several.
        threads: of each on the CPU.
        device: ``cpu`` or ``cuda``.
        on_progress: called whenever something happened.

    Raises:
        TrainingError: some could not be trained; the others are.
    """
    # The digests are written last.
    missing = [part for part in parts if not (folder / part.folder / SUMS).exists()]
    progress = Progress(total=len(parts), done=len(parts) - len(missing))
    on_progress(progress)
    if jobs == 1 or len(missing) <= 1:
        torch.set_num_threads(threads)
        for part in missing:
            train_part(plan, corpus, folder, part, device, _teller(part, progress, on_progress))
            progress.running, progress.done = {}, progress.done + 1
            on_progress(progress)
        return
    work = Work(_begin, _train, _Setup(plan, folder, device), modules=("torch",))
    with Processes(work, min(jobs, len(missing)), threads=threads) as running:
        running.add(missing)
        failures = _followed(running, progress, on_progress)
    if failures:
        raise TrainingError(
            f"{len(failures)} of {len(missing)} encoders could not be trained:"
            + "".join(f"\n  {name}: {reason}" for name, reason in failures.items())
            + "\nThe others are; the same command goes on with these."
        )


def _teller(part: Part, progress: Progress, on_progress: Callable[[Progress], None]) -> Tell:
    def tell(fraction: float, text: str) -> None:
        progress.running, progress.text = {part.folder: fraction}, f"{part.folder} {text}"
        on_progress(progress)

    return tell


def _followed(
    events: Iterable[WorkEvent[Part]], progress: Progress, on_progress: Callable[[Progress], None]
) -> dict[str, str]:
    """Tell how far the parts are; why those that failed did."""
    failures: dict[str, str] = {}
    for event in events:
        name = event.item.folder
        if isinstance(event, Reported):
            progress.running[name], progress.text = event.message[0], f"{name} {event.message[1]}"
        else:
            progress.running.pop(name, None)
            progress.done += isinstance(event, Done)
            if isinstance(event, Failed):
                progress.failed += 1
                failures[name] = one_line(event.reason)
        on_progress(progress)
    return failures


def train_part(plan: Plan, corpus: Corpus, folder: Path, part: Part, device: str, tell: Tell) -> None:
    """Train one encoder and write its folder."""
    own, settings = folder / part.folder, plan.settings
    own.mkdir(parents=True, exist_ok=True)
    # The same beginning for every part of a seed: their features are then near enough to one another to be mixed.
    seed_everything(part.seed)
    material = plan.material(corpus)
    checkpoint = material.checkpoint(plan.base)
    network = material.network(checkpoint, len(corpus.spec.labels)).to(device)
    # Not all at once: a corpus may be larger than the memory, and only what is read of it is kept.
    chosen = (c for c in corpus.split("train") if c.id not in part.held_out)
    labels = corpus.spec.labels
    train = material.labelled(chosen, labels, checkpoint)
    validation = material.labelled(corpus.split("validation"), labels, checkpoint)
    best = Fit(network, train, validation, labels, settings, own, part.seed, _told(tell)).run()
    base, where = plan.stated_base(own)
    saved = SavedEncoder(
        plan.name(part.seed, corpus),
        base,
        checkpoint.digest,
        settings,
        labels,
        marks_of(c for c in corpus.split("train") if _teaches(c, part)),
        {"epoch": best.epoch, "score": best.score},
        {"name": corpus.name, "fingerprint": corpus.fingerprint},
        plan.modality,
        where,
    )
    saved.write(own, network.trained())
    # Only now: without the encoder, the checkpoint is all that a killed training has.
    (own / CHECKPOINT).unlink(missing_ok=True)


def _teaches(conversation: Conversation, part: Part) -> bool:
    """Whether a part is trained on the labels of a conversation."""
    return conversation.id not in part.held_out and any(u.label is not None for u in conversation.utterances)


def _told(tell: Tell) -> Callable[[Event], None]:
    def on_event(event: Event) -> None:
        fraction = (event.epoch + event.step / event.steps) / event.epochs
        score = f"validation F1 {100 * event.best.score:.2f}" if event.best.epoch >= 0 else ""
        tell(fraction, score)

    return on_event


def _begin(setup: _Setup) -> tuple[_Setup, Corpus]:
    return setup, Corpus.read(setup.plan.corpus)


def _train(state: tuple[_Setup, Corpus], part: Part, report: Report) -> None:
    setup, corpus = state
    train_part(setup.plan, corpus, setup.folder, part, setup.device, lambda *said: report(said))
