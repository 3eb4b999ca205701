"""Whether the features of a corpus know labels that they should not: a linear model on features alone, split by split.

An encoder that was fine-tuned on the labels of some conversations makes features of these that fit their labels better
than those of any new conversation. A linear model finds that out. It is trained on a part of the training
conversations and judged on three kinds of others: the rest of training, validation and test. Where features know no
labels, the three differ by no more than the difficulty of the splits; where they do, the splits that the encoder has
seen come out far above the one that it has not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import Rule
from crossspace.data.seen import CLIPS
from crossspace.data.task import UNLABELLED
from crossspace.errors import DataError
from crossspace.evaluation.bootstrap import Interval, interval_of, resampled
from crossspace.evaluation.confusion import confusion_per_group

GAP = 0.05
"""A gap in weighted F1 that is larger, and whose interval is above zero, is called a leak."""
FOLDS = 5
_KNOWN = ("train", "validation")


@dataclass(frozen=True)
class Probe:
    """What a linear model makes of the features of one modality; weighted F1, fractions.

    Attributes:
        modality: whose features.
        width: D.
        scores: ``{"train": on held-out training conversations, "validation", "test"}``, the mean over the folds.
        gaps: ``{"train": train minus test, "validation": validation minus test}``, each with its 95 % interval over
            conversations, or ``None`` where there are fewer than two.
    """

    modality: str
    width: int
    scores: dict[str, float]
    gaps: dict[str, tuple[float, Interval | None]]

    @property
    def leaking(self) -> tuple[str, ...]:
        """The splits whose labels the features seem to know."""
        return tuple(
            split for split, (gap, interval) in self.gaps.items() if gap > GAP and (interval is None or interval[0] > 0)
        )

    @property
    def unsure(self) -> tuple[str, ...]:
        """The splits with a gap as large that may be chance."""
        wide = tuple(split for split, (gap, _) in self.gaps.items() if gap > GAP)
        return tuple(split for split in wide if split not in self.leaking)

    def __str__(self) -> str:
        if not self.gaps:
            return (
                f"{self.modality}: not measured. Labelled utterances with such features are needed in several training "
                "conversations and in test."
            )
        if self.leaking:
            return self._leak()
        if self.unsure:
            gaps = _listed(self, self.unsure)
            return (
                f"{self.modality}: no leak can be shown, and none excluded. A linear model is better than in test by "
                f"{gaps}, which may be chance or the difficulty of the splits."
            )
        return (
            f"{self.modality}: no sign of a leak. A linear model is about as good in training and validation as in "
            "test, up to the difficulty of the splits."
        )

    def _leak(self) -> str:
        return (
            f"{self.modality}: the features seem to know the labels of {' and '.join(self.leaking)}. On conversations "
            f"that it never saw, a linear model is better there than in test: {_listed(self, self.leaking)}. So it is "
            "where an encoder was fine-tuned on these labels. A model then learns to trust the features more than it "
            "may in test, and a score in validation, and the epoch that it chooses, says little of one in test. "
            "Features without this: 'crossspace finetune', or an encoder that was not trained on this corpus."
        )


def _listed(probe: Probe, splits: Sequence[str]) -> str:
    return ", ".join(f"{100 * probe.gaps[split][0]:.1f} points in {split}" for split in splits)


def leak_probes(corpus: Corpus, folds: int = FOLDS) -> list[Probe]:
    """The probe of each modality.

    The labels of the test split are read, for this alone: nothing may be chosen by what comes out.

    Args:
        corpus: with labelled train and test splits.
        folds: parts of the training conversations, each judged by a model of the others.

    Raises:
        DataError: a split has no labels.
        UsageError: fewer training conversations than folds.
    """
    for split in ("train", "test"):
        if not (corpus.labels(split) != UNLABELLED).any():
            raise DataError(
                f"Looking for leaks needs labelled conversations in train and test. Found none in the {split} split of "
                f"corpus {corpus.name!r}."
            )
    held = [frozenset(fold) for fold in Rule.of(corpus).folds(corpus.conversation_ids("train"), folds)]
    made = corpus.extractors
    return [_probe(corpus, m, held) for m in corpus.spec.widths if made.get(m, {}).get("name") != CLIPS]


@dataclass(frozen=True)
class _Rows:
    """The labelled utterances of a split that have the modality: features, labels, numbers of their conversations."""

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    names: Sequence[str]


def _probe(corpus: Corpus, modality: str, held: Sequence[frozenset[str]]) -> Probe:
    rows = {split: _rows(corpus, split, modality) for split in (*_KNOWN, "test")}
    train, classes = rows["train"], len(corpus.spec.labels)
    others = {split: found for split, found in rows.items() if split != "train" and len(found.labels)}
    counts: dict[str, list[np.ndarray]] = {split: [] for split in others}
    inside = np.zeros((len(train.names), classes, classes))
    for fold in held:
        out = np.array([train.names[group] in fold for group in train.groups], dtype=bool)
        if out.all() or not out.any():
            continue
        predict = _Linear(train.features[~out], train.labels[~out])
        part = predict(train.features[out])
        inside += confusion_per_group(train.labels[out], part, train.groups[out], len(train.names), classes)
        for split, found in others.items():
            predicted = predict(found.features)
            counts[split].append(confusion_per_group(found.labels, predicted, found.groups, len(found.names), classes))
    judged = {split: np.stack(found).astype(np.float64) for split, found in counts.items() if found}
    cells = {**({"train": inside[None]} if inside.any() else {}), **judged}
    scores = {split: _score(found, np.arange(found.shape[1])) for split, found in cells.items()}
    gaps = {split: _gap(cells[split], cells["test"]) for split in _KNOWN if split in cells and "test" in cells}
    return Probe(modality, corpus.spec.widths[modality], {s: float(x) for s, x in scores.items()}, gaps)


def _rows(corpus: Corpus, split: str, modality: str) -> _Rows:
    names = corpus.conversation_ids(split)
    columns = corpus.columns(split, range(len(names)))
    groups = np.repeat(np.arange(len(names)), columns.lengths)
    known = columns.present[modality] & (columns.labels != UNLABELLED)
    features = np.asarray(columns.features[modality], dtype=np.float64)[known]
    return _Rows(features, columns.labels[known], groups[known], names)


class _Linear:
    """A logistic regression on standardised features; where there is one label only, that."""

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        self._mean, spread = features.mean(0), features.std(0)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._only = int(labels[0]) if len(set(labels.tolist())) == 1 else None
        if self._only is None:
            with warnings.catch_warnings():
                # As good as it gets in so many steps is good enough to see a leak.
                warnings.simplefilter("ignore", ConvergenceWarning)
                # As strong a penalty as keeps many features of few utterances from being learned by heart.
                self._model = LogisticRegression(C=0.01, max_iter=200).fit(self._scaled(features), labels)

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        return (features - self._mean) / self._spread

    def __call__(self, features: np.ndarray) -> np.ndarray:
        if self._only is not None:
            return np.full(len(features), self._only)
        return np.asarray(self._model.predict(self._scaled(features)), dtype=np.int64)


def _score(cells: np.ndarray, conversations: np.ndarray) -> np.ndarray:
    return resampled(cells, conversations)["weighted_f1"]


def _gap(known: np.ndarray, test: np.ndarray) -> tuple[float, Interval | None]:
    known, test = (cells[:, cells.sum(axis=(0, 2, 3)) > 0] for cells in (known, test))

    def statistic(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
        return _score(known, first) - _score(test, second)

    sizes = (known.shape[1], test.shape[1])
    gap = float(statistic(np.arange(sizes[0]), np.arange(sizes[1])))
    if min(sizes) < 2:
        return gap, None
    low, high = interval_of(statistic, sizes)
    return gap, (float(low), float(high))


def rows_of(probes: Sequence[Probe]) -> Iterator[tuple[str, ...]]:
    """A row of a table for each probe: modality, features, the three scores, the two gaps; percent."""
    for probe in probes:
        scores = [f"{100 * probe.scores[s]:.1f}" if s in probe.scores else "-" for s in (*_KNOWN, "test")]
        yield probe.modality, str(probe.width), *scores, *(_in_words(probe.gaps.get(s)) for s in _KNOWN)


def _in_words(gap: tuple[float, Interval | None] | None) -> str:
    if gap is None:
        return "-"
    value, interval = gap
    return f"{100 * value:+.1f}" + (
        "" if interval is None else f" ({100 * interval[0]:+.1f} to {100 * interval[1]:+.1f})"
    )
