"""A trained model, calibrated: how sure it is becomes how often it is right, and below some of that it is unsure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.split import known_split
from crossspace.errors import DataError, UsageError
from crossspace.evaluation.calibration import at_temperature, fitted_temperature, reliability, unsure_below
from crossspace.predict import Predictor, predictions_of

CALIBRATION = "calibration"
"""Where the details of a model say how it is calibrated."""


@dataclass(frozen=True)
class Calibration:
    """How a model is calibrated.

    Attributes:
        temperature: that its logits are divided by.
        unsure_below: the confidence below which it is unsure.
        right: the part that should be right of what it says with more.
        left_open: the part of the split for which it is unsure.
        error: expected calibration error of the split, after; each bin holds as many.
        error_before: before.
        split: whose labels were read.
        utterances: of it, with a label.
    """

    temperature: float
    unsure_below: float
    right: float
    left_open: float
    error: float
    error_before: float
    split: str
    utterances: int


def calibrate(
    model: str | Path, corpus: Corpus, out: Path, *, split: str = "validation", right: float = 0.8
) -> Calibration:
    """Write a calibrated copy of a model: the same answers, with honest confidence (Guo et al., 2017).

    Args:
        model: folder of a run (its best seed) or of a seed.
        corpus: with labels and features as the model was trained on.
        out: folder of the copy, without a model so far.
        split: whose labels are read.
        right: how much should be right of what is said and not left open.

    Raises:
        UsageError: the model learned from that split, or ``right`` is no part.
        DataError: there is a model in ``out``, or no label in the split.
        MismatchError: corpus and model do not fit.
    """
    split = known_split(split)
    if split == "train":
        raise UsageError("A model is too sure of what it learned from. Calibrate it on the validation split.")
    if not 0 < right < 1:
        raise UsageError(f"`right` should be a part between 0 and 1, such as 0.8. Found {right}.")
    if (out / "model.safetensors").exists():
        raise DataError(f"{out} should be a new folder. Found a model there; name another folder, or remove it.")
    predictor = Predictor.from_pretrained(model)
    # As if it had never been: calibrating twice is calibrating once.
    predictor.model.details = {k: v for k, v in predictor.model.details.items() if k != CALIBRATION}
    found = _calibration(predictor, corpus, split, right)
    predictor.model.details[CALIBRATION] = asdict(found)
    predictor.model.save(out)
    return found


def _calibration(predictor: Predictor, corpus: Corpus, split: str, right: float) -> Calibration:
    predictor.check_labels(corpus)
    table = predictions_of(predictor, corpus, split, 0)
    labels = predictor.task.labels
    index = {label: i for i, label in enumerate(labels)}
    truth = np.array([index.get(label, -1) for label in table["truth"].to_pylist()], dtype=np.int64)
    known = truth >= 0
    if not known.any():
        raise DataError(f"Calibration needs labels. Found none in the {split} split of corpus {corpus.name!r}.")
    probabilities, truth = np.stack([table[f"p_{label}"] for label in labels], axis=1)[known], truth[known]
    temperature = fitted_temperature(probabilities, truth)
    correct, confidence = probabilities.argmax(1) == truth, at_temperature(probabilities, temperature).max(1)
    below = unsure_below(confidence, correct, right)
    return Calibration(
        temperature,
        below,
        right,
        float((confidence < below).mean()),
        reliability(confidence, correct).ece,
        reliability(probabilities.max(1), correct).ece,
        split,
        int(known.sum()),
    )
