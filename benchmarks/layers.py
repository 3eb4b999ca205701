"""``python -m benchmarks.layers CORPUS``: which layer of MiniLM tells the emotions of a corpus apart; prints a table.

Logistic regression, every utterance alone, on the sentence vectors of each layer. Scored are the validation split,
after training on the train split, and quarters of the conversations of the train split, after training on the rest of
them. The test split is not read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossspace.data.corpus import Corpus
from crossspace.features.extractors.minilm import MiniLM

STRENGTH = 0.005
"""Of the logistic regression, the inverse of its penalty: around the best for all layers."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of weighted F1, percent, by layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="corpus file with texts, labels, and the splits train and validation")
    parser.add_argument("--layers", type=int, nargs="+", default=list(range(7)))
    options = parser.parse_args(arguments)
    corpus = Corpus.read(options.corpus)
    texts, labels, groups = {}, {}, {}
    for split in ("train", "validation"):
        table = corpus.utterances(split)
        texts[split], labels[split] = table["text"].to_pylist(), corpus.labels(split)
        groups[split] = np.asarray(table["conversation_id"].to_pylist())
    print("| layer | validation | held-out quarters of train, mean | each |\n|---:|---:|---:|---:|")
    for layer in options.layers:
        extractor = MiniLM(layer)
        train, validation = (np.stack(extractor.extract(texts[split])) for split in ("train", "validation"))
        held_out = [
            _score(train[fit], labels["train"][fit], train[rest], labels["train"][rest])
            for fit, rest in GroupKFold(4).split(train, groups=groups["train"])
        ]
        official = _score(train, labels["train"], validation, labels["validation"])
        each = " ".join(f"{score:.1f}" for score in held_out)
        print(f"| {layer} | {official:.2f} | {np.mean(held_out):.2f} | {each} |", flush=True)


def _score(features: np.ndarray, labels: np.ndarray, others: np.ndarray, truth: np.ndarray) -> float:
    """Weighted F1, percent, on ``others`` of what was fitted on ``features``."""
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000)).fit(features, labels)
    return 100 * float(f1_score(truth, fitted.predict(others), average="weighted"))


if __name__ == "__main__":
    main()
