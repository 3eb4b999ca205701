"""A corpus with the features that fine-tuned encoders make of its texts, each row by one that may make it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.joins.join import join
from crossspace.evaluation.predictions import prediction_table, with_truth
from crossspace.features.extraction.utterances import with_feature
from crossspace.features.extractors.base import Missing
from crossspace.features.extractors.finetuned import FineTuned
from crossspace.features.text.finetuned.encoding import Vectors
from crossspace.features.text.finetuned.settings import ALL
from crossspace.finetuning.material import passages_of
from crossspace.finetuning.parts import Part
from crossspace.finetuning.plan import Plan

_AT_ONCE = 4096
"""Utterances that are encoded together: enough to find others as long."""


class Featured:
    """What the encoders of one seed make of a corpus.

    Args:
        corpus: with texts.
        plan: of the fine-tuning.
        folder: of the seed.
        parts: its encoders, all of this seed.
        said: told how many of the utterances are encoded.
    """

    def __init__(
        self,
        corpus: Corpus,
        plan: Plan,
        folder: Path,
        parts: Sequence[Part],
        said: Callable[[int], None] = lambda done: None,
    ) -> None:
        self.corpus, self.plan, self.parts = corpus, plan, parts
        self._others = FineTuned(str(folder), plan.output, plan.others)
        extractors = {p.name: FineTuned(str(folder / p.name), plan.output) for p in parts if p.name != ALL}
        self._extractors = {plan.others: self._others, **extractors}
        self._logits: dict[str, np.ndarray] = {}
        self._said, self._done = said, 0
        by_encoder: dict[str, list[Conversation]] = defaultdict(list)
        for conversation in corpus.split("all"):
            by_encoder[self._encoder_of(conversation.id)].append(conversation)
        self._utterances: dict[str, Utterance] = {}
        for name, conversations in by_encoder.items():
            self._encode(name, conversations)

    def features(self) -> Corpus:
        """The corpus with the features in the place of those of its texts; all else is as it was."""
        places = {split: list(self.corpus.split(split)) for split in (*self.corpus.splits, None)}
        made = {
            split: [Conversation(c.id, tuple(self._utterances[u.id] for u in c.utterances)) for c in conversations]
            for split, conversations in places.items()
        }
        spec = self.corpus.spec.with_widths({"text": self._others.width})
        texts = Corpus(made, spec, name=self.corpus.name, extractors={"text": self._others.identity})
        return join(self.corpus, texts, replace_existing=True)[0]

    def predictions(self, split: str, seed: int) -> pa.Table:
        """What the classifiers themselves say of a split: a table of predictions of the utterances with a text."""
        utterances = self.corpus.utterances(split)
        known = [row for row, name in enumerate(utterances["utterance_id"].to_pylist()) if name in self._logits]
        told = utterances.take(known)
        logits = np.stack([self._logits[name] for name in told["utterance_id"].to_pylist()]).astype(np.float64)
        grown = np.exp(logits - logits.max(1, keepdims=True))
        table = prediction_table(told, grown / grown.sum(1, keepdims=True), self.corpus.spec.labels)
        return with_truth(table, told, seed, split)

    def _encoder_of(self, conversation: str) -> str:
        return next((part.name for part in self.parts if conversation in part.held_out), self.plan.others)

    def _encode(self, name: str, conversations: Sequence[Conversation]) -> None:
        extractor, waiting, size = self._extractors[name], list[Conversation](), 0
        for conversation in conversations:
            waiting.append(conversation)
            size += len(conversation)
            if size >= _AT_ONCE or conversation is conversations[-1]:
                self._encode_some(name, extractor, waiting)
                self._done += size
                self._said(self._done)
                waiting, size = [], 0

    def _encode_some(self, name: str, extractor: FineTuned, conversations: Sequence[Conversation]) -> None:
        read = [p for c in conversations for p in passages_of(c, self.plan.settings)]
        known = [row for row, passage in enumerate(read) if passage is not None]
        vectors: list[Vectors | None] = [None] * len(read)
        for row, vector in zip(known, extractor.vectors([p for p in read if p is not None]), strict=True):
            vectors[row] = vector
        rows = iter(zip(read, vectors, strict=True))
        for conversation in conversations:
            seen = extractor.has_seen(conversation)
            for utterance in conversation.utterances:
                passage, both = next(rows)
                if both is None:
                    feature: np.ndarray | Missing = Missing("no text" if passage is None else "no word that is known")
                else:
                    feature, self._logits[utterance.id] = extractor.chosen(both), both[1]
                bare = Utterance(utterance.id, utterance.speaker, utterance.text, label=utterance.label)
                self._utterances[utterance.id] = with_feature(bare, "text", feature, (name, seen))
