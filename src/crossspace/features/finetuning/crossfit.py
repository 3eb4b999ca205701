"""Fine-tuning with cross-fitting: no utterance gets features from an encoder that has seen its label."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import Rule
from crossspace.data.task import UNLABELLED
from crossspace.errors import DataError, UsageError
from crossspace.features.finetuning.encoding import base_checkpoint
from crossspace.features.finetuning.fit import Fit, Labelled
from crossspace.features.finetuning.network import TextEmotion
from crossspace.features.finetuning.passages import Passage, Reader, passages
from crossspace.features.finetuning.saved import ENCODER, SavedEncoder
from crossspace.features.finetuning.settings import FineTuning
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import CHECKPOINT
from crossspace.training.event import Event

ALL = "all"
"""The encoder of all training conversations, which encodes everything but these."""


@dataclass(frozen=True)
class Part:
    """One encoder of a fine-tuning.

    Attributes:
        seed: of its training.
        name: ``all``, or ``fold-1`` and so on.
        held_out: training conversations that it does not see, and encodes.
    """

    seed: int
    name: str
    held_out: frozenset[str] = frozenset()

    @property
    def folder(self) -> str:
        """Below the folder of the fine-tuning."""
        return f"seed-{self.seed}/{self.name}"


class CrossFit:
    """Fine-tunes an encoder on a corpus with texts.

    Args:
        corpus: with labelled texts in train and validation.
        base: the encoder, ``minilm`` or ``transformers:MODEL``.
        settings: how it is trained.
        folder: receives an encoder for each part, below ``seed-N``.
        folds: into which the training conversations are cut, by the rule by which the corpus was; 0 cuts none, and
            every training utterance is encoded by an encoder that has seen it.
        seeds: one cross-fitting for each.

    Raises:
        DataError: there is nothing to learn from.
        UsageError: fewer conversations than folds, or a fold without one of the labels outside of it.
    """

    def __init__(
        self,
        corpus: Corpus,
        base: str,
        settings: FineTuning,
        folder: Path,
        folds: int = 5,
        seeds: Sequence[int] = (0,),
    ) -> None:
        self.corpus, self.base, self.settings, self.folder, self.seeds = corpus, base, settings, folder, tuple(seeds)
        self._check()
        ids = corpus.conversation_ids("train")
        held = Rule.of(corpus).folds(ids, folds) if folds else []
        self.parts = [
            part
            for seed in self.seeds
            for part in (Part(seed, ALL), *(Part(seed, f"fold-{n}", frozenset(f)) for n, f in enumerate(held, start=1)))
        ]
        for part in self.parts:
            self._check_part(part)

    def fit(self, part: Part, on_event: Callable[[Event], None] = lambda event: None) -> SavedEncoder:
        """Train one encoder, from its last epoch where there is one; nothing where it is trained already."""
        folder = self.folder / part.folder
        if (folder / ENCODER).exists():
            return SavedEncoder.read(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # The same beginning for every part of a seed: their features are then near enough to one another to be mixed.
        seed_everything(part.seed)
        checkpoint = base_checkpoint(self.base, self.settings.layers)
        network = TextEmotion(checkpoint, self.settings, len(self.corpus.spec.labels))
        reader = Reader(
            checkpoint.processor, self.settings.tokens, bool(self.settings.context_turns + self.settings.later_turns)
        )
        chosen = [c for c in self.corpus.split("train") if c.id not in part.held_out]
        train, validation = self._labelled(chosen, reader), self._labelled(self.corpus.split("validation"), reader)
        fit = Fit(network, train, validation, self.corpus.spec.labels, self.settings, folder, part.seed, on_event)
        best = fit.run()
        saved = SavedEncoder(
            self.base,
            checkpoint.digest,
            self.settings,
            self.corpus.spec.labels,
            tuple(sorted(c.id for c in chosen)),
            {"epoch": best.epoch, "score": best.score},
            {"name": self.corpus.name, "fingerprint": self.corpus.fingerprint},
        )
        saved.write(folder, network.trained())
        # Only now: without the encoder, the checkpoint is all that a killed training has.
        (folder / CHECKPOINT).unlink(missing_ok=True)
        return saved

    def _labelled(self, conversations: Sequence[Conversation], reader: Reader) -> Labelled:
        index = {label: i for i, label in enumerate(self.corpus.spec.labels)}
        found: list[Passage] = []
        labels: list[int] = []
        for conversation in conversations:
            around = passages_of(conversation, self.settings.context_turns, self.settings.later_turns)
            for passage, utterance in zip(around, conversation.utterances, strict=True):
                if passage is not None and utterance.label is not None:
                    found.append(passage)
                    labels.append(index[utterance.label])
        return Labelled(reader.read(found), np.array(labels, dtype=np.int64))

    def _check(self) -> None:
        for split in ("train", "validation"):
            if not any(u.text and u.label for c in self.corpus.split(split) for u in c.utterances):
                raise DataError(
                    f"Fine-tuning needs utterances with a text and a label. Found none in the {split} split of corpus "
                    f"{self.corpus.name!r}; 'crossspace data show' says what it holds."
                )

    def _check_part(self, part: Part) -> None:
        if not part.held_out:
            return
        known = {
            u.label for c in self.corpus.split("train") for u in c.utterances if c.id not in part.held_out and u.text
        }
        whole = {u.label for c in self.corpus.split("train") for u in c.utterances if u.text}
        if lost := sorted(label for label in whole - known if label is not None):
            raise UsageError(
                f"{part.name} holds all training utterances of {', '.join(lost)}, which its encoder would not know. Use "
                "another number of folds, or leave out labels that occur so rarely (--unlabelled on extract)."
            )


def passages_of(conversation: Conversation, earlier: int, later: int) -> list[Passage | None]:
    """The passage of every utterance; ``None`` where there is no text."""
    return passages([(u.speaker, u.text) for u in conversation.utterances], earlier, later)
