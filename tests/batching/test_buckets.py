"""Batches filled up to a few shapes: what they hold, how many shapes there are, and what nobody may ask them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.corpus import BATCH, TRAIN, conversation_lengths
from benchmarks.shapes import meld_lengths
from crossspace.batching.batch import Batch
from crossspace.batching.buckets import Bucket, Filled, LengthsError
from crossspace.batching.layout import Layout
from crossspace.data.task import UNLABELLED, TaskSpec
from crossspace.training.order import shuffled

lengths_of_batches = st.lists(st.integers(0, 70), max_size=12)


@given(lengths=lengths_of_batches)
def test_a_bucket_has_room_for_the_batch_and_not_much_more(lengths: list[int]) -> None:
    bucket = Bucket.of(lengths)
    assert len(lengths) <= bucket.conversations <= len(lengths) + 8
    assert max(lengths, default=0) <= bucket.longest <= max(32, 2 * max(lengths, default=0))
    assert sum(lengths) <= bucket.rows <= sum(lengths) * 9 // 8 + 32
    assert bucket.rows <= bucket.conversations * bucket.longest
    assert Bucket.of([*lengths, 0]).rows == bucket.rows


@pytest.mark.parametrize(
    ("lengths", "most"),
    [(conversation_lengths()[:TRAIN], 9), (meld_lengths(1038, np.random.default_rng(0)), 22)],
    ids=["iemocap", "meld"],
)
def test_a_hundred_shuffled_epochs_have_few_buckets_and_little_filling(lengths: list[int], most: int) -> None:
    batches = [[lengths[i] for i in part] for epoch in range(100) for part in shuffled(len(lengths), BATCH, epoch)]
    buckets = [Bucket.of(batch) for batch in batches]
    assert len(set(buckets)) <= most
    filling = 1 - sum(map(sum, batches)) / sum(bucket.rows for bucket in buckets)
    assert filling < 0.05


@given(lengths=lengths_of_batches)
def test_rows_stand_where_a_padded_block_has_them_and_filling_where_it_has_none(lengths: list[int]) -> None:
    task = TaskSpec(("joy", "anger"), {"text": 2}, speakers=2)
    rows = sum(lengths)
    batch = Batch(
        {"text": torch.arange(2.0 * rows).view(rows, 2)},
        {"text": torch.ones(rows, dtype=torch.bool)},
        torch.tensor(lengths, dtype=torch.long),
        torch.ones(rows, dtype=torch.long),
        torch.ones(rows, dtype=torch.long),
    )
    filled = Filled(Bucket.of(lengths), batch)
    filled.take(batch)
    found, layout = filled.batch(), Layout(lengths)
    (block,) = found.layout.blocks
    places = found.layout.places.tolist()
    assert len(set(places)) == len(found) == filled.bucket.rows == len(found.layout)
    assert block.rows.flatten()[found.layout.places].tolist() == list(range(len(found)))
    assert block.rows[block.valid].tolist() == list(range(rows))
    assert torch.equal(found.layout.positions[:rows], layout.positions)
    assert torch.equal(found.layout.places[:rows] // filled.bucket.longest, layout.conversations)
    assert not block.valid.flatten()[found.layout.places[rows:]].any()
    assert torch.equal(found.features["text"][:rows], batch.features["text"]) and found.labels[:rows].eq(1).all()
    assert found.labels[rows:].eq(UNLABELLED).all() and not found.present["text"][rows:].any()
    assert not found.features["text"][rows:].any() and task.widths == {"text": 2}


def test_nothing_of_an_earlier_batch_is_left(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    small, large = make_batch(task, (2, 3), missing=0.5, seed=1), make_batch(task, (9, 8, 7), seed=2)
    one, two = (Filled(Bucket.of([9, 8, 7]), large) for _ in range(2))
    one.take(large)
    for filled in (one, two):
        filled.take(small)
    for name, value in vars(one).items():
        other = getattr(two, name)
        if isinstance(value, dict):
            assert all(torch.equal(x, other[m]) for m, x in value.items())
        elif isinstance(value, torch.Tensor):
            assert torch.equal(value, other)


@pytest.mark.parametrize(
    "ask",
    [
        lambda layout: layout.lengths,
        lambda layout: layout.conversations,
        lambda layout: layout.pairs(),
        lambda layout: layout.forward_walk,
        lambda layout: layout.past.lengths,
        lambda layout: layout.alone.lengths,
    ],
)
def test_lengths_are_refused(ask: Callable[[Layout], object], task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = Filled(Bucket.of([4]), make_batch(task, (4,))).batch()
    with pytest.raises(LengthsError, match="filled up to a shape"):
        ask(batch.layout)
    with pytest.raises(NotImplementedError, match="meta tensor"):
        batch.lengths.tolist()
    assert len(batch.lengths) == 8
