"""Supervised contrast: rows of one label attract each other, all others repel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.errors import UsageError
from crossspace.nn.processes import gathered
from crossspace.objectives.base import Objective, Part, labelled
from crossspace.output import Output


class SupervisedContrast(Objective):
    """Supervised contrastive loss (Khosla et al. 2020, equation 2) over all labelled rows of the batch.

    With rows z of length one and P(i) the other rows with the label of row i, the mean over i of::

        -1 / |P(i)| sum_{p in P(i)} log( exp(z_i . z_p / T) / sum_{a != i} exp(z_i . z_a / T) )

    Rows without a positive take no part as i, rows without a label none at all. With a second view every utterance
    stands there twice, so that none lacks a positive.

    Args:
        rows: name of the (N, d) rows among the extras of the output, or in its representation.
        view: name of a second view of the same utterances, or none.
        temperature: T.

    Note:
        Class weights do not enter. Similarities are (rows of this process) x (rows of all), twice as many each way with
        a second view. Several processes exchange their rows.
    """

    name = "contrast"
    separable = False
    gathers = True

    def __init__(self, rows: str, view: str | None = None, temperature: float = 0.1) -> None:
        if not temperature > 0:
            raise UsageError(f"`temperature` should be positive. Found {temperature}.")
        self.rows, self.view, self.temperature = rows, view, temperature

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``contrast``."""
        views = [_named(output, name) for name in (self.rows, self.view) if name is not None]
        rows = torch.cat(views)
        rows = F.normalize(rows.to(torch.promote_types(rows.dtype, torch.float32)), dim=1)
        labels = torch.where(labelled(batch), batch.labels, -1).repeat(len(views))
        (others, other_labels), own = gathered(rows, labels)
        apart = torch.ones(len(rows), len(others), dtype=torch.bool, device=rows.device)
        apart[:, own].fill_diagonal_(False)
        known = (labels >= 0).unsqueeze(1)
        candidates = apart & (other_labels >= 0)
        positives = candidates & known & (labels.unsqueeze(1) == other_labels)
        return {self.name: _contrast(rows @ others.T / self.temperature, candidates, positives)}


def _contrast(similarities: Tensor, candidates: Tensor, positives: Tensor) -> Part:
    """The sum over the rows with a positive, and how many these are."""
    # Not minus infinity: a row without any candidate would make NaN of the gradient that nobody wants of it.
    lowest = torch.finfo(similarities.dtype).min
    partition = similarities.masked_fill(~candidates, lowest).logsumexp(1, keepdim=True)
    counts = positives.sum(1)
    means = torch.where(positives, similarities - partition, 0.0).sum(1) / counts.clamp(min=1)
    return Part(-means.sum(), (counts > 0).sum().to(means.dtype))


def _named(output: Output, name: str) -> Tensor:
    known = {**output.representation, **output.extras}
    if name not in known:
        raise UsageError(f"The contrast needs rows called {name!r}. The model gives {sorted(known)}.")
    return known[name]
