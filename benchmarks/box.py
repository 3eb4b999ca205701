"""``python -m benchmarks.box``: what a model that reads texts is worth to a stranger, models side by side.

On MELD's test split: scores, calibration, how often it is right where it is sure, and whether what is said later
changes what was said of an utterance, features made anew each time. On the sixty everyday conversations of the package:
accuracy, confusion, and the worst mistakes.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.analysis.analyzer import Analyzer
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.evaluation.calibration import reliability
from crossspace.evaluation.scores import scores
from crossspace.features.extraction.conversation import Extraction
from crossspace.inference.stability import stability
from crossspace.pretrained import EVERYDAY

RIGHT = 0.8
"""Of what is said with more confidence than the threshold, this part should be right."""


class Reader:
    """A model with its extractor, over corpora of texts.

    Args:
        model: run folder, or none for the model in the box.
        text: its extractor, where the model does not say where it is.
    """

    def __init__(self, model: str | None, text: str | None = None) -> None:
        self.analyzer = Analyzer.load(model, {"text": text} if text else None)
        self.labels = self.analyzer.predictor.task.labels
        self._extraction = Extraction(self.analyzer.extractors)

    def probabilities(self, corpus: Corpus) -> np.ndarray:
        """(N, C) of all utterances; features are made anew from the texts."""
        conversations = [
            Conversation(c.id, tuple(replace(u, features={}, missing={}, encoders={}, seen={}) for u in c.utterances))
            for c in corpus.split("all")
        ]
        spec = replace(corpus.spec, widths=dict(self.analyzer.predictor.task.widths))
        filled = Corpus({"test": self._extraction.fill(conversations)}, spec, name=corpus.name)
        return self.analyzer.predictor.probabilities(filled)


def measured(reader: Reader, meld: Corpus, everyday: Corpus) -> dict[str, Any]:
    """Everything that is said of a model."""
    validation, test = (_of_split(meld, split) for split in ("validation", "test"))
    labels = reader.labels
    truth = _truth(test, labels)
    said = reader.probabilities(test)
    known = truth >= 0
    found = scores(truth[known], said[known].argmax(1), labels)
    threshold = _threshold(reader.probabilities(validation), _truth(validation, labels))
    sure = said.max(1) > threshold
    right = said.argmax(1) == truth
    steady = stability(test, "test", reader.probabilities)
    return {
        "meld": {
            "weighted_f1": found.weighted_f1,
            "macro_f1": found.macro_f1,
            "accuracy": found.accuracy,
            "per_class": {label: one.f1 for label, one in found.per_class.items()},
            "calibration_error": reliability(said[known].max(1), right[known]).ece,
            "threshold": threshold,
            "right_above": float(right[sure & known].mean()),
            "left_open": float(1 - sure[known].mean()),
            "stability": {**asdict(steady), "share": steady.share},
        },
        "everyday": _everyday(reader, everyday),
    }


def _everyday(reader: Reader, corpus: Corpus) -> dict[str, Any]:
    truth, said = _truth(corpus, reader.labels), reader.probabilities(corpus)
    answers, confidence = said.argmax(1), said.max(1)
    found = scores(truth, answers, reader.labels)
    wrong = [int(i) for i in np.argsort(-confidence) if answers[i] != truth[i]][:10]
    utterances = corpus.utterances("all").to_pylist()
    return {
        "accuracy": found.accuracy,
        "weighted_f1": found.weighted_f1,
        "macro_f1": found.macro_f1,
        "confusion": found.confusion.tolist(),
        "worst": [
            {
                "conversation": utterances[i]["conversation_id"],
                "text": utterances[i]["text"],
                "truth": reader.labels[truth[i]],
                "said": reader.labels[answers[i]],
                "confidence": float(confidence[i]),
            }
            for i in wrong
        ],
    }


def _of_split(corpus: Corpus, split: str) -> Corpus:
    return Corpus({"test": list(corpus.split(split))}, corpus.spec, name=corpus.name)


def _truth(corpus: Corpus, labels: Sequence[str]) -> np.ndarray:
    """(N,) indices among the labels of the model, -1 where there is none."""
    index = {label: i for i, label in enumerate(labels)}
    return np.array([index.get(name, -1) for name in corpus.utterances("all")["label"].to_pylist()])


def _threshold(said: np.ndarray, truth: np.ndarray) -> float:
    """The lowest confidence above which :data:`RIGHT` of the answers are right, to a hundredth."""
    confidence, right = said.max(1), said.argmax(1) == truth
    for threshold in np.arange(0.0, 1.0, 0.01):
        above = (confidence > threshold) & (truth >= 0)
        if above.any() and right[above].mean() >= RIGHT:
            return round(float(threshold), 2)
    return 1.0


def everyday_corpus(path: Path = EVERYDAY) -> Corpus:
    """The sixty conversations, without features."""
    by_name: dict[str, list[dict[str, str]]] = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_name.setdefault(row["conversation_id"], []).append(row)
    made = [
        Conversation(
            name,
            tuple(Utterance(f"{name}_{r['position']}", r["speaker"], r["text"], label=r["label"]) for r in rows),
        )
        for name, rows in by_name.items()
    ]
    labels = tuple(sorted({u.label for c in made for u in c.utterances if u.label}))
    return Corpus({"test": made}, TaskSpec(labels, {"text": 1}), name="everyday")


def main(words: Sequence[str] | None = None) -> int:
    """Measure models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.box", description=__doc__)
    parser.add_argument("meld", type=Path, help="corpus file of MELD with texts")
    parser.add_argument("--model", action="append", default=[], help="run folder beside the box, RUN or RUN=EXTRACTOR")
    parser.add_argument("--out", type=Path, help="file to write the numbers to, as JSON")
    given = parser.parse_args(words)
    meld, everyday, found = Corpus.read(given.meld), everyday_corpus(), {}
    for name in [None, *given.model]:
        model, _, text = (name or "").partition("=")
        found[name or "box"] = measured(Reader(model or None, text or None), meld, everyday)
    print(json.dumps(found, indent=2))
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
