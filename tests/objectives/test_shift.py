"""Shifts between utterances, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.objectives.shift import Shift
from crossspace.output import Output


@pytest.mark.parametrize("label", ["emotion", "sentiment"])
@pytest.mark.parametrize("window", [None, 2])
def test_the_mean_is_that_over_pairs_of_which_both_labels_are_known(
    task: TaskSpec, make_batch: Callable[..., Batch], label: str, window: int | None
) -> None:
    batch = make_batch(task, (3, 2), dtype=torch.float64)
    labels = torch.tensor([0, 1, -100, 2, 2])
    batch = replace(batch, **{"labels" if label == "emotion" else "sentiments": labels})
    pairs = batch.layout.pairs(window)
    logits = torch.randn(len(pairs), 2, dtype=torch.float64)
    objective = Shift("s", window, label, (0.5, 2.0), 3.0)  # type: ignore[arg-type]
    assert objective.needs_sentiments is (label == "sentiment")
    (part,) = objective.parts(Output(logits, extras={"s": logits}), batch).values()
    total = count = 0.0
    for row, (i, j) in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)):
        if labels[i] < 0 or labels[j] < 0:
            continue
        other = int(labels[i] != labels[j])
        weight = (0.5, 2.0)[other]
        total -= 3 * weight * float(torch.log_softmax(logits[row], 0)[other])
        count += weight
    assert (float(part.total), float(part.count)) == (pytest.approx(total), pytest.approx(count))


def test_a_batch_without_sentiments_has_no_pair(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = replace(make_batch(task, (2,)), sentiments=None)
    (part,) = (
        Shift("s", label="sentiment").parts(Output(torch.zeros(1), extras={"s": torch.randn(4, 2)}), batch).values()
    )
    assert float(part.total) == float(part.count) == 0


def test_weights_are_two_numbers_above_zero() -> None:
    with pytest.raises(UsageError, match="two numbers above 0"):
        Shift("s", weights=(1.0, 0.0))
