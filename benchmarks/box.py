"""``python -m benchmarks.box``: what a model that reads texts is worth to a stranger, models side by side.

On MELD's test split: scores, calibration, how often it is right where it is sure, and whether what is said later
changes what was said of an utterance, features made anew each time. On the sixty everyday conversations of the package:
accuracy, confusion, and the worst mistakes. ``--before COMMIT`` measures the model that was in the box then, too.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.analysis.analyzer import Analyzer
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.evaluation.calibration import reliability, unsure_below
from crossspace.evaluation.scores import scores
from crossspace.features.extraction.cache import FeatureCache
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
        # Of a conversation with another rest, what an encoder read before it is the same: it is read once.
        self._kept = tempfile.TemporaryDirectory()
        self._extraction = Extraction(self.analyzer.extractors, FeatureCache(self._kept.name))

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
    # As the model says itself; of one that does not, as it would be chosen.
    calibration = reader.analyzer.predictor.model.details.get("calibration")
    in_validation, right_there = reader.probabilities(validation), _truth(validation, labels)
    correct = in_validation.argmax(1) == right_there
    threshold = calibration["unsure_below"] if calibration else unsure_below(in_validation.max(1), correct, RIGHT)
    sure = said.max(1) >= threshold
    right = said.argmax(1) == truth
    steady = stability(test, "test", reader.probabilities)
    return {
        "meld": {
            "weighted_f1": found.weighted_f1,
            "macro_f1": found.macro_f1,
            "accuracy": found.accuracy,
            "per_class": {label: one.f1 for label, one in found.per_class.items()},
            "calibration_error": reliability(said[known].max(1), right[known]).ece,
            "unsure_below": threshold,
            "right_above": float(right[sure & known].mean()),
            "left_open": float(1 - sure[known].mean()),
            "stability": {**asdict(steady), "share": steady.share},
        },
        "everyday": _everyday(reader, everyday, threshold),
    }


def _everyday(reader: Reader, corpus: Corpus, threshold: float) -> dict[str, Any]:
    truth, said = _truth(corpus, reader.labels), reader.probabilities(corpus)
    answers, confidence = said.argmax(1), said.max(1)
    found = scores(truth, answers, reader.labels)
    wrong = [int(i) for i in np.argsort(-confidence) if answers[i] != truth[i]][:10]
    utterances = corpus.utterances("all").to_pylist()
    return {
        "accuracy": found.accuracy,
        "weighted_f1": found.weighted_f1,
        "macro_f1": found.macro_f1,
        "right_above": float((answers == truth)[confidence >= threshold].mean()),
        "left_open": float((confidence < threshold).mean()),
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


def side_by_side(found: dict[str, Any]) -> str:
    """The figures of several models as a table in Markdown."""
    labels = next(iter(found.values()))["meld"]["per_class"]
    rows: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("MELD test, weighted F1", lambda one: _percent(one["meld"]["weighted_f1"])),
        ("macro F1", lambda one: _percent(one["meld"]["macro_f1"])),
        ("accuracy", lambda one: _percent(one["meld"]["accuracy"])),
        *((f"F1 of {label}", lambda one, label=label: _percent(one["meld"]["per_class"][label])) for label in labels),
        ("expected calibration error", lambda one: _percent(one["meld"]["calibration_error"])),
        ("unsure below", lambda one: _percent(one["meld"]["unsure_below"])),
        ("right of what is said with more", lambda one: _percent(one["meld"]["right_above"])),
        ("left open", lambda one: _percent(one["meld"]["left_open"])),
        ("changed by what comes later", lambda one: _percent(one["meld"]["stability"]["share"])),
        ("everyday, accuracy", lambda one: _percent(one["everyday"]["accuracy"])),
        ("macro F1", lambda one: _percent(one["everyday"]["macro_f1"])),
        ("right of what is not left open", lambda one: _percent(one["everyday"]["right_above"])),
        ("left open", lambda one: _percent(one["everyday"]["left_open"])),
    ]
    lines = [f"| percent | {' | '.join(found)} |", "|---" + "|---:" * len(found) + "|"]
    lines += [f"| {name} | {' | '.join(said(one) for one in found.values())} |" for name, said in rows]
    return "\n".join(lines)


def _percent(part: float) -> str:
    return f"{100 * part:.1f}"


def _before(commit: str, folder: str) -> str:
    """The model that was in the box at a commit."""
    inside = "src/crossspace/pretrained"
    packed = subprocess.run(["git", "archive", commit, inside], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return str(Path(folder) / inside)


def main(words: Sequence[str] | None = None) -> int:
    """Measure models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.box", description=__doc__)
    parser.add_argument("meld", type=Path, help="corpus file of MELD with texts")
    parser.add_argument("--model", action="append", default=[], help="run folder beside the box, RUN or RUN=EXTRACTOR")
    parser.add_argument("--before", metavar="COMMIT", help="also the model that was in the box there")
    parser.add_argument("--out", type=Path, help="file to write the numbers to, as JSON")
    given = parser.parse_args(words)
    meld, everyday, found = Corpus.read(given.meld), everyday_corpus(), {}
    with tempfile.TemporaryDirectory() as folder:
        models = [("box", "")] + ([(f"box at {given.before}", _before(given.before, folder))] if given.before else [])
        for name, where in [*models, *((one, one) for one in given.model)]:
            model, _, text = where.partition("=")
            found[name] = measured(Reader(model or None, text or None), meld, everyday)
    print(side_by_side(found))
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
