"""What words that a recogniser loses cost the model in the box: weighted F1 on texts from which words are dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from crossspace.analysis.analyzer import Analyzer
from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extraction.utterance_ids import with_unique_ids
from crossspace.features.extraction.utterances import conversation_of
from crossspace.features.sources import find_recordings
from crossspace.transcripts import Transcript


def conversations_of(table: Path) -> list[Conversation]:
    """The conversations of a table of dialogues, with labels and texts."""
    found = []
    for recording in find_recordings(table):
        assert isinstance(recording.transcript, Transcript)
        found.append(conversation_of(recording.id, recording.transcript.cues, {}))
    return found


def weighted_f1(analyzer: Analyzer, conversations: list[Conversation], rate: float, seed: int) -> float:
    """Of the model's labels, where every word is dropped with a probability; an utterance keeps one word at least.

    Words of an utterance that has one alone stay: an utterance without any would not have been found.
    """
    random = np.random.default_rng(seed)
    heard = [
        replace(c, utterances=tuple(replace(u, text=_dropped(u.text or "", rate, random)) for u in c.utterances))
        for c in conversations
    ]
    filled = Extraction(analyzer.extractors).fill(heard)
    corpus = Corpus({"test": with_unique_ids(filled)}, analyzer.predictor.task)
    said = analyzer.predictor.infer_corpus(corpus, "test").probabilities.argmax(axis=1)
    return float(f1_score(corpus.labels("test"), said, average="weighted"))


def _dropped(text: str, rate: float, random: np.random.Generator) -> str:
    words = text.split()
    kept = [word for word, draw in zip(words, random.random(len(words)), strict=True) if draw >= rate]
    return " ".join(kept or words[:1])
