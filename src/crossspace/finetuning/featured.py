"""A corpus with the features that fine-tuned encoders make of it, each row by one that may make it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import softmax

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.joins.join import join
from crossspace.data.split import ALL as ALL_SPLITS
from crossspace.evaluation.predictions import prediction_table, with_truth
from crossspace.features.extraction.utterances import with_feature
from crossspace.features.extractors import extractors
from crossspace.features.extractors.base import Missing
from crossspace.features.extractors.finetuned import FineTuned
from crossspace.features.finetuned.clips import Clip
from crossspace.features.finetuned.encoder import Vectors
from crossspace.finetuning.parts import Part
from crossspace.finetuning.plan import Plan

_AT_ONCE = {"text": 4096, "audio": 32, "visual": 32}
"""Utterances that are encoded together: texts find others as long, sound and faces stay in memory."""


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
        self._material = plan.material(corpus)
        self._logits: dict[str, np.ndarray] = {}
        self._utterances: dict[str, Utterance] = {}
        self._said, self._done = said, 0
        by_encoder: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(corpus.conversation_ids(ALL_SPLITS)):
            by_encoder[self._encoder_of(name)].append(place)
        # One after the other: encoders may be large. That of the others is the last, as it says what they all are.
        for name in sorted({*by_encoder, plan.others}, key=lambda one: (one == plan.others, one)):
            self._encode(name, folder, by_encoder[name])

    def features(self) -> Corpus:
        """The corpus with the features in the place of those of the modality; all else is as it was."""
        made: dict[str | None, list[Conversation]] = {}
        for split in (*self.corpus.splits, None):
            ids = self.corpus.utterances(split).select(["conversation_id", "utterance_id"]).to_pylist()
            said: dict[str, list[Utterance]] = defaultdict(list)
            for row in ids:
                said[row["conversation_id"]].append(self._utterances[row["utterance_id"]])
            made[split] = [Conversation(name, tuple(utterances)) for name, utterances in said.items()]
        spec = self.corpus.spec.with_widths({self.plan.modality: self._tuned.width})
        made_by = {self.plan.modality: self._tuned.identity}
        return join(self.corpus, Corpus(made, spec, name=self.corpus.name, extractors=made_by), replace_existing=True)[
            0
        ]

    def predictions(self, split: str, seed: int) -> pa.Table:
        """What the classifiers themselves say of a split: a table of predictions of the utterances that have any."""
        utterances = self.corpus.utterances(split)
        known = [row for row, name in enumerate(utterances["utterance_id"].to_pylist()) if name in self._logits]
        told = utterances.take(pa.array(known, pa.int64()))
        logits = np.zeros((len(known), len(self.corpus.spec.labels)))
        for row, name in enumerate(told["utterance_id"].to_pylist()):
            logits[row] = self._logits[name]
        table = prediction_table(told, softmax(logits, axis=1), self.corpus.spec.labels)
        return with_truth(table, told, seed, split)

    def _encoder_of(self, conversation: str) -> str:
        return next((part.name for part in self.parts if conversation in part.held_out), self.plan.others)

    def _encode(self, name: str, folder: Path, places: Sequence[int]) -> None:
        """Encode some conversations by the encoder of a part, or by that of the others."""
        kind: type = extractors()[self.plan.modality][FineTuned.name]
        others = self.plan.others
        own = {"model": str(folder), "encoder": others} if name == others else {"model": str(folder / name)}
        self._tuned: FineTuned = kind(**own, output=self.plan.output, base=self.plan.base)
        conversations, waiting, size = self.corpus.split(ALL_SPLITS), list[Conversation](), 0
        for place in places:
            waiting.append(conversations[place])
            size += len(waiting[-1])
            if size >= _AT_ONCE[self.plan.modality]:
                self._encode_some(name, self._tuned, waiting)
                waiting, size = [], 0
        self._encode_some(name, self._tuned, waiting)

    def _encode_some(self, name: str, tuned: FineTuned, conversations: Sequence[Conversation]) -> None:
        read = [item for c in conversations for item in self._material.raw(c)]
        known = [row for row, item in enumerate(read) if item is not None]
        vectors: list[Vectors | None] = [None] * len(read)
        items = [read[row].load() if isinstance(read[row], Clip) else read[row] for row in known]
        for row, vector in zip(known, tuned.vectors(items), strict=True):
            vectors[row] = vector
        rows = iter(zip(read, vectors, strict=True))
        for conversation in conversations:
            _, seen = tuned.encoder_of(conversation)
            self._done += len(conversation)
            for utterance in conversation.utterances:
                item, both = next(rows)
                if both is None:
                    feature: np.ndarray | Missing = Missing(self._lacking(utterance, item))
                else:
                    feature, self._logits[utterance.id] = tuned.chosen(both), both[1]
                bare = Utterance(utterance.id, utterance.speaker, utterance.text, label=utterance.label)
                self._utterances[utterance.id] = with_feature(bare, self.plan.modality, feature, (name, seen))
        self._said(self._done)

    def _lacking(self, utterance: Utterance, item: Any) -> str:
        """Why there is no feature."""
        if self.plan.modality == "text":
            return "no text" if item is None else "no word that is known"
        return utterance.missing.get(self.plan.modality, "nothing that the network knows")
