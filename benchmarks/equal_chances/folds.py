"""Folds of the training videos of CMU-MOSI that stand to each other as its training videos stand to its test videos.

The networks behind the published text and visual features were trained on the labels of all training videos, so that a
plain fold would be as easy as the training data itself (docs/results/mosi.md). In each fold here

* the text features come from a small convolutional network over the transcripts, trained on the labels of the other
  videos and of a share of the held-out utterances, which makes the gap as wide as the real one;
* the visual features of the held-out videos are shuffled among their utterances: there they say nothing;
* the audio features, which no label has seen, stay as they are.

A tenth of the other videos is the validation split and keeps its leaky features, as in reality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.runtime import seed_everything

FOLDS = 5
SEEN = 0.25
"""Share of the held-out utterances whose labels the network of the text features has seen too."""
_WORDS, _EPOCHS, _RATE = 4000, 5, 2e-3


class TextNetwork(nn.Module):
    """Word vectors, convolutions over three, four and five words, the largest of each: 100 features of a text.

    Args:
        words: in the vocabulary, the unknown and the empty one included.
        width: of the features.
        classes: told apart by a linear map of the features.
    """

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 100, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(100, 50, size, padding=size - 1) for size in (3, 4, 5))
        self.features = nn.Linear(150, width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, texts: Tensor) -> Tensor:
        """(N, words of the longest) indices to (N, width)."""
        vectors = self.words(texts).transpose(1, 2)
        largest = [F.relu(convolution(vectors)).amax(2) for convolution in self.convolutions]
        return F.relu(self.features(F.dropout(torch.cat(largest, 1), 0.5, self.training)))


def folds_of(corpus: Corpus, seed: int = 0) -> list[Corpus]:
    """The folds, each a corpus with the splits train, validation and test; the test split of the whole is left out."""
    used = [*corpus.conversation_ids("train"), *corpus.conversation_ids("validation")]
    conversations = {c.id: c for split in ("train", "validation") for c in corpus.split(split)}
    order = np.random.default_rng(seed).permutation(len(used))
    return [
        _fold(corpus, conversations, [used[i] for i in held_out], seed * FOLDS + number)
        for number, held_out in enumerate(np.array_split(order, FOLDS))
    ]


def _fold(corpus: Corpus, conversations: dict[str, Conversation], held_out: Sequence[str], seed: int) -> Corpus:
    random = np.random.default_rng(seed)
    others = [name for name in conversations if name not in set(held_out)]
    seen = {u.id for name in others for u in conversations[name].utterances}
    apart = [u for name in held_out for u in conversations[name].utterances]
    seen |= {u.id for u in apart if random.random() < SEEN}
    text = text_features([u for c in conversations.values() for u in c.utterances], seen, corpus, seed)
    shuffled = dict(zip([u.id for u in apart], random.permutation([u.features["visual"] for u in apart]), strict=True))

    def changed(name: str) -> Conversation:
        said = [
            replace(u, features={**u.features, "text": text[u.id], "visual": shuffled.get(u.id, u.features["visual"])})
            for u in conversations[name].utterances
        ]
        return replace(conversations[name], utterances=said)

    # A tenth, drawn with the fold: the usual rule, by the hash of the id, cuts the same videos in every fold.
    chosen = set(random.permutation(others)[: max(1, round(len(others) / 10))])
    splits = {
        "train": [changed(name) for name in others if name not in chosen],
        "validation": [changed(name) for name in others if name in chosen],
        "test": [changed(name) for name in held_out],
    }
    return Corpus(splits, corpus.spec, name=f"{corpus.name}, proxy fold")


def text_features(utterances: Sequence, seen: set[str], corpus: Corpus, seed: int) -> dict[str, np.ndarray]:
    """``{utterance: (D,) features}`` of a network that was trained on the labels of the utterances in ``seen``."""
    words = [str(u.text or "").lower().split()[:120] for u in utterances]
    common = sorted({w for line in words for w in line})[: _WORDS - 2]
    index = {word: place + 2 for place, word in enumerate(common)}
    longest = max(map(len, words))
    texts = torch.tensor([[*(index.get(w, 1) for w in line), *[0] * (longest - len(line))] for line in words])
    labels = torch.tensor([corpus.spec.labels.index(u.label) for u in utterances])
    chosen = torch.tensor([place for place, u in enumerate(utterances) if u.id in seen])
    seed_everything(seed)
    network = TextNetwork(_WORDS, corpus.spec.widths["text"], len(corpus.spec.labels))
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    for _ in range(_EPOCHS):
        for rows in chosen[torch.randperm(len(chosen))].split(32):
            loss = F.cross_entropy(network.classifier(network(texts[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        features = network.eval()(texts).numpy()
    return {u.id: row for u, row in zip(utterances, features, strict=True)}


def gap(fold: Corpus, modality: str = "text") -> tuple[float, float]:
    """What a logistic regression on one modality, fitted on the training split, gets right in validation and test."""

    def rows(split: str) -> tuple[np.ndarray, np.ndarray]:
        said = [u for c in fold.split(split) for u in c.utterances]
        return np.stack([u.features[modality] for u in said]), np.array([u.label for u in said])

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(*rows("train"))
    return float(probe.score(*rows("validation"))), float(probe.score(*rows("test")))


def write(corpus: Corpus, folder: Path) -> list[Path]:
    """Write ``fold-<n>.parquet`` and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, fold in enumerate(folds_of(corpus)):
        paths.append(folder / f"fold-{number}.parquet")
        fold.write(paths[-1])
    return paths
