"""Contrasts: rows of one label, or two views of one row, attract each other, all others repel."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.errors import UsageError
from crossspace.nn.partition import Contrast, log_partition
from crossspace.nn.processes import gathered, process_count
from crossspace.objectives.base import Objective, Part, labelled
from crossspace.output import Output

_SMALL = 0.025
"""Temperatures below which the least of the terms of a sum, ``exp(-2 / T)``, is no number of float32."""


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
        weight: what the objective is multiplied by.

    Note:
        Class weights do not enter. Similarities are (rows of this process) x (rows of all), twice as many each way with
        a second view. Several processes exchange their rows.
    """

    name = "contrast"
    separable = False
    gathers = True

    def __init__(self, rows: str, view: str | None = None, temperature: float = 0.1, weight: float = 1.0) -> None:
        if not temperature > 0:
            raise UsageError(f"`temperature` should be positive. Found {temperature}.")
        self.rows, self.view, self.temperature, self.weight = rows, view, temperature, weight

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
        part = _contrast(rows @ others.T / self.temperature, candidates, positives)
        return {self.name: Part(self.weight * part.total, part.count)}


class ViewContrast(Objective):
    """Contrast of two views of the same rows, without labels (Chen et al. 2020, equation 1; Gao et al. 2021).

    With the rows z_i of one view and z_i' of the other, all of length one, the mean over the anchors of::

        -log( exp(z_i . z_i' / T) / sum_a exp(z_i . z_a / T) )

    Args:
        rows: name of the one view, (k N, d), among the extras of the output or in its representation: any number k of
            rows per utterance, those of one utterance one after the other.
        view: name of the other view.
        shown: name of a (k N,) mask of the rows that take part; all if none.
        temperature: T.
        anchors: ``both`` views ask for their counterpart, or ``first`` alone.
        candidates: a, the rows of ``both`` views but the anchor itself, or of the ``other`` view alone.
        weight: what the objective is multiplied by.

    Note:
        Rows of utterances without a label take no part. Similarities are computed block by block, each once for both
        rows; several processes exchange their rows.
    """

    name = "view-contrast"
    separable = False
    gathers = True

    def __init__(
        self,
        rows: str,
        view: str,
        shown: str | None = None,
        temperature: float = 0.5,
        anchors: Literal["both", "first"] = "both",
        candidates: Literal["both", "other"] = "both",
        weight: float = 1.0,
    ) -> None:
        if not temperature > 0:
            raise UsageError(f"`temperature` should be positive. Found {temperature}.")
        for argument, value, known in (("anchors", anchors, "first"), ("candidates", candidates, "other")):
            if value not in ("both", known):
                raise UsageError(f"`{argument}` should be 'both' or {known!r}. Found {value!r}.")
        self.rows, self.view, self.shown, self.temperature = rows, view, shown, temperature
        self.anchors, self.candidates, self.weight = anchors, candidates, weight

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``view-contrast``; class weights do not enter."""
        one, two = (self._units(_named(output, name)) for name in (self.rows, self.view))
        visible = labelled(batch).repeat_interleave(len(one) // max(len(batch), 1))
        if self.shown is not None:
            visible = visible & _named(output, self.shown)
        count, rows, seen = len(one), torch.cat([one, two]), visible.repeat(2)
        if process_count() > 1:
            rows, seen = _exchanged(one, two, visible)
        contrast = Contrast(
            count, len(rows) // 2 - count, self.anchors == "both", self.candidates == "both", self.temperature
        )
        partition, positive = log_partition(rows, seen, contrast)[: 2 * count], (one * two).sum(1) / self.temperature
        views = 2 if self.anchors == "both" else 1
        losses = partition[: views * count].view(views, count) - positive
        total = self.weight * torch.where(visible, losses, 0.0).sum()
        return {self.name: Part(total, views * visible.sum().to(total.dtype))}

    def _units(self, rows: Tensor) -> Tensor:
        """Rows of length one, of a type in which the smallest term of a sum is a number."""
        least = torch.float64 if self.temperature < _SMALL else torch.float32
        return F.normalize(rows.to(torch.promote_types(rows.dtype, least)), dim=1)


def _exchanged(one: Tensor, two: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and mask of both views of all processes, in the order of :class:`~crossspace.nn.partition.Contrast`."""
    (first, second, seen), own = gathered(one, two, visible.to(one.dtype))

    def others(rows: Tensor) -> Tensor:
        return torch.cat([rows[: own.start], rows[own.stop :]])

    rows = torch.cat([first[own], second[own], others(first), others(second)])
    return rows, torch.cat([seen[own].repeat(2), others(seen).repeat(2)]) > 0


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
