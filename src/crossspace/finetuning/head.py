"""The classifier of a fine-tuned encoder as a model like any other: evaluated, calibrated, served."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from crossspace.data.corpus import Corpus
from crossspace.data.seen import seen_by_split
from crossspace.data.sizes import training_sizes
from crossspace.data.task import TaskSpec
from crossspace.features.finetuned.saved import classifier_of
from crossspace.features.finetuned.settings import FOLDS
from crossspace.finetuning.plan import Plan
from crossspace.models.logistic import LogisticRegression

HEAD = "head"
_RANGE = 100.0
"""Logistic regression clips what is far from the mean of a feature; so many times farther than any feature is."""


def head_of(corpus: Corpus, plan: Plan, folder: Path, seed: int) -> LogisticRegression | None:
    """What the classifier of an encoder says, as logistic regression on the features that the encoder makes.

    Args:
        corpus: with these features.
        plan: of the fine-tuning.
        folder: of the seed.
        seed: which.

    Returns:
        ``None`` where the features are mean states of several encoders: each has a classifier of its own.
    """
    if plan.others == FOLDS and plan.output == "states":
        return None
    width, classes = corpus.spec.widths[plan.modality], len(corpus.spec.labels)
    weight, bias = torch.zeros(classes, width), torch.zeros(classes)
    if plan.output == "states":
        trained = classifier_of(folder / plan.others, classes)
        weight, bias = trained["weight"], trained["bias"]
    else:
        # What it says is there already: the last features.
        weight[:, -classes:] = torch.eye(classes)
    model = _linear(corpus.spec, plan.modality, weight, bias)
    model.details = {
        "corpus": {"name": corpus.name, "fingerprint": corpus.fingerprint},
        "extractors": {plan.modality: dict(corpus.extractors[plan.modality])},
        "seen": {split: found for split, found in seen_by_split(corpus).items() if split != "train"},
        "training_sizes": training_sizes(corpus),
        "protocol": "validation",
        "seed": seed,
    }
    return model


def _linear(task: TaskSpec, modality: str, weight: Tensor, bias: Tensor) -> LogisticRegression:
    """Logistic regression with given weights (C, D) and bias (C,) on the features of one modality."""
    width = weight.shape[1]
    model = LogisticRegression(replace(task, widths={modality: width}))
    with torch.no_grad():
        getattr(model.standardise, f"scale_{modality}").fill_(1 / _RANGE)
        model.classifier.weight.zero_()
        model.classifier.weight[:, :width] = _RANGE * weight
        model.classifier.bias.copy_(bias)
    return model
