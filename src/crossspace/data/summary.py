"""The plain numbers of a corpus: sizes, distributions, lengths, coverage."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.shares import share_difference, validation_advice
from crossspace.data.seen import encoders_of, seen_utterances
from crossspace.data.split import ALL


def summary(corpus: Corpus) -> dict[str, Any]:
    """What a corpus holds, as plain dictionaries, strings and numbers that JSON can carry.

    Returns:
        ``name``, ``source``, ``licence``, ``fingerprint``, ``labels``, ``speakers`` (``"global"`` or ``"local"``),
        ``modalities`` ``{modality: {"width", "extractor"}}``, and ``splits``: for every split that holds
        conversations, for those without a split (``"none"``) and for ``"all"``, what :func:`split_summary` says;
        ``cut``: by which rule splits were cut, or ``None``; ``validation``: what :func:`validation_summary` says;
        ``encoders``: ``{modality: {fine-tuned encoder: utterances}}``, where there are any.
    """
    places: dict[str, str | None] = {name: name for name in corpus.splits}
    # Named only where there are any: most corpora have no conversation without a split.
    if corpus.conversation_ids(None):
        places["none"] = None
    places[ALL] = ALL
    spec = corpus.spec
    return {
        "name": corpus.name,
        "source": corpus.source,
        "licence": corpus.licence,
        "fingerprint": corpus.fingerprint,
        "labels": list(spec.labels),
        "speakers": "local" if isinstance(spec.speakers, int) else "global",
        "modalities": {m: {"width": d, "extractor": corpus.extractors.get(m)} for m, d in spec.widths.items()},
        "cut": dict(corpus.cut) or None,
        "validation": validation_summary(corpus),
        **({"encoders": made} if (made := encoders_of(corpus)) else {}),
        "splits": {title: split_summary(corpus, name) for title, name in places.items()},
    }


def validation_summary(corpus: Corpus) -> dict[str, Any] | None:
    """How far validation is from train.

    Returns:
        ``difference``: ``{"distance", "label", "reference", "found"}``, see
        :class:`~crossspace.data.cuts.shares.ShareDifference`, or ``None`` without labels; ``advice``: a sentence where
        the split is too small to choose by, or ``None``. ``None`` in place of all where there are not both splits.
    """
    if not {"train", "validation"} <= set(corpus.splits):
        return None
    train, validation = (_label_counts(corpus, split) for split in ("train", "validation"))
    difference = share_difference(train, validation)
    return {
        "difference": None if difference is None else asdict(difference),
        "advice": validation_advice(len(corpus.conversation_ids("validation")), validation),
    }


def split_summary(corpus: Corpus, split: str | None) -> dict[str, Any]:
    """The numbers of one split.

    Returns:
        ``conversations``, ``utterances``; ``lengths`` ``{"min", "median", "mean", "max"}`` in utterances; ``labels``
        ``{label: utterances}`` in index order, and ``unlabelled``; ``speakers`` ``{name: utterances}``, most talkative
        first; ``coverage`` ``{modality: utterances that have it}``; ``seen`` ``{modality: utterances}`` whose encoder
        was trained on their labels, where there are any.
    """
    lengths = np.array(corpus.lengths(split))
    return {
        "conversations": len(lengths),
        "utterances": int(lengths.sum()),
        "lengths": {
            key: float(f(lengths)) if len(lengths) else 0.0
            for key, f in (("min", np.min), ("median", np.median), ("mean", np.mean), ("max", np.max))
        },
        "labels": _label_counts(corpus, split),
        "unlabelled": int((corpus.labels(split) < 0).sum()),
        "speakers": dict(Counter(corpus.speaker_names(split)).most_common()),
        "coverage": corpus.coverage(split),
        **({"seen": seen} if (seen := seen_utterances(corpus, split)) else {}),
    }


def _label_counts(corpus: Corpus, split: str | None) -> dict[str, int]:
    counts = Counter(corpus.labels(split).tolist())
    return {label: counts[i] for i, label in enumerate(corpus.spec.labels)}
