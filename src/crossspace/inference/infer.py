"""What a model says about conversations, without gradients and without the machinery of training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from crossspace.batching.batch import Batch
from crossspace.inference.probabilities import Inference as Inference
from crossspace.inference.probabilities import finite
from crossspace.models.answers import checked_output
from crossspace.models.base import Model

_ROWS = 4096
"""Utterances in one batch of inference, as long as no single conversation is longer."""


@torch.inference_mode()
def infer(model: Model, batches: Iterable[Batch]) -> Inference:
    """Run ``model`` in evaluation mode over ``batches`` and put the rows one after the other.

    The logits of a calibrated model are divided by its temperature.

    Raises:
        DataError: a probability is not finite.
    """
    # The caller may be in the middle of a training.
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    temperature = float(model.details.get("calibration", {}).get("temperature", 1.0))
    fused: list[np.ndarray] = []
    unimodal: dict[str, list[np.ndarray]] = {}
    try:
        for batch in batches:
            output = checked_output(model, model(batch.to(device)), len(batch.labels))
            fused.append(_probabilities(output.logits.double() / temperature))
            for m, logits in output.unimodal.items():
                alone = _probabilities(logits)
                # A modality that is missing was filled with something; what its head says of that means nothing.
                alone[~batch.present[m].cpu().numpy()] = np.nan
                unimodal.setdefault(m, []).append(alone)
    finally:
        model.train(training)
    # A split without conversations has a table without rows, and no error.
    empty = np.zeros((0, len(model.task.labels)))
    return Inference(
        np.concatenate(fused) if fused else empty, {m: np.concatenate(rows) for m, rows in unimodal.items()}
    )


def _probabilities(logits: torch.Tensor) -> np.ndarray:
    """(N, C) float64 probabilities."""
    return finite(torch.softmax(logits.double(), dim=1).cpu().numpy())


def batches_of(lengths: Sequence[int], rows: int = _ROWS) -> list[list[int]]:
    """Indices of conversations, in order, in groups of at most ``rows`` utterances (a longer one stands alone)."""
    groups: list[list[int]] = []
    filled = 0
    for index, length in enumerate(lengths):
        # A conversation is never divided: models see it whole.
        if not groups or filled + length > rows:
            groups.append([])
            filled = 0
        groups[-1].append(index)
        filled += length
    return groups
