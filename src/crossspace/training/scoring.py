"""What a model is worth on a split while it is trained."""

from __future__ import annotations

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.task import UNLABELLED
from crossspace.evaluation.scores import Scores, scores
from crossspace.inference.infer import infer
from crossspace.models.base import Model
from crossspace.training.order import in_order

_LEAST = 1e-12
"""The probability of a truth may be 0 in floating point, and its logarithm is not."""


def score_split(model: Model, corpus: Corpus, split: str) -> tuple[Scores, float]:
    """The scores of a split, and the mean of ``-log p(truth)`` over its labelled utterances, in nats.

    That loss is plain: neither class weights nor the other objectives are in it, so that trainings compare.
    """
    inference = infer(model, in_order(corpus, split))
    truth = corpus.labels(split)
    rows = truth != UNLABELLED
    likelihood = inference.probabilities[rows, truth[rows]]
    loss = float(-np.log(np.clip(likelihood, _LEAST, None)).mean())
    return scores(truth, inference.probabilities.argmax(1), corpus.spec.labels), loss
