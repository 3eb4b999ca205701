"""Learning rate by step, and the arguments of training."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from crossspace.errors import UsageError
from crossspace.training.options import TrainingOptions
from crossspace.training.order import in_blocks
from crossspace.training.schedule import Plateau, learning_rate_factor


def test_constant_stays_and_warms_up_along_a_line() -> None:
    assert [learning_rate_factor("constant", s, 10) for s in range(10)] == [1.0] * 10
    found = [learning_rate_factor("constant", s, 10, warmup=0.3) for s in range(5)]
    assert found == pytest.approx([0.25, 0.5, 0.75, 1, 1])


def test_cosine_falls_from_one_to_nearly_zero() -> None:
    found = [learning_rate_factor("cosine", s, 8) for s in range(8)]
    assert found == pytest.approx([(1 + math.cos(math.pi * s / 8)) / 2 for s in range(8)])
    assert learning_rate_factor("cosine", 4, 8) == pytest.approx(0.5)


def test_one_cycle_rises_from_a_25th_to_one_and_falls_to_nearly_zero() -> None:
    found = [learning_rate_factor("one-cycle", s, 100) for s in range(100)]
    assert found[0] == pytest.approx(0.04) and found[30] == pytest.approx(1.0) and found[99] < 1e-3
    assert found[:31] == sorted(found[:31]) and found[30:] == sorted(found[30:], reverse=True)
    assert learning_rate_factor("one-cycle", 10, 100, warmup=0.1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rising", "values"),
    [(True, [0.5, 0.6, 0.6, 0.5, 0.7, 0.7, 0.7, 0.6, 0.5]), (False, [5, 4, 4, 5, 3, 3, 3, 4, 5])],
)
def test_plateau_falls_after_so_many_epochs_without_improvement(rising: bool, values: list[float]) -> None:
    plateau, rates = Plateau(0.5, 2, rising), []
    for value in values:
        plateau.look(value)
        rates.append(plateau.rate)
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_plateau_goes_on_where_its_state_was_taken() -> None:
    straight, first = Plateau(0.5, 2, True), Plateau(0.5, 2, True)
    values = [0.5, 0.4, 0.3, 0.6, 0.2, 0.1]
    for value in values:
        straight.look(value)
    for value in values[:2]:
        first.look(value)
    second = Plateau(0.5, 2, True)
    second.load_state_dict(first.state_dict())
    for value in values[2:]:
        second.look(value)
    assert second.state_dict() == straight.state_dict() and second.rate == 0.25


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle", "plateau"])
@pytest.mark.parametrize("total", [1, 2, 3, 50])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.9])
def test_factors_are_above_zero_and_at_most_one(schedule: str, total: int, warmup: float) -> None:
    assert all(0 < learning_rate_factor(schedule, s, total, warmup) <= 1 for s in range(total))


def test_all_faults_of_the_options_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        TrainingOptions(
            epochs=0,
            patience=0,
            batch_size=0,
            accumulate=0,
            learning_rate=0.0,
            weight_decay=-1,
            warmup=1.0,
            plateau_factor=1.0,
            plateau_patience=0,
            clip=0.0,
            averaging=1.0,
        )
    told = set(re.findall(r"`(\w+)`", str(caught.value)))
    assert told == {
        *("epochs", "patience", "batch_size", "accumulate", "learning_rate", "weight_decay", "warmup"),
        *("plateau_factor", "plateau_patience", "clip", "averaging"),
    }


@pytest.mark.parametrize(
    "fault",
    [
        {"protocol": "best-on-tst"},
        {"optimizer": "sgd"},
        {"schedule": "linear"},
        {"plateau_on": "accuracy"},
        {"plateau_factor": float("nan")},
        {"clip_per": "layer"},
        {"precision": "16"},
        {"class_weights": "even"},
        {"class_weights": 1.5},
        {"class_weights": float("nan")},
        {"class_weights": [1.0, -1.0]},
        {"class_weights": [1.0, float("nan")]},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"weight_decay": float("inf")},
        {"clip": float("inf")},
    ],
)
def test_a_choice_that_does_not_exist_is_refused_and_not_taken_for_another(fault: dict) -> None:
    with pytest.raises(UsageError, match=f"`{next(iter(fault))}`"):
        TrainingOptions(**fault)


@pytest.mark.parametrize(("conversations", "blocks", "size"), [(1, 1, 4), (50, 7, 8), (3000, 500, 32), (200, 200, 1)])
def test_an_order_in_blocks_has_every_conversation_once_and_few_blocks_at_a_time(
    conversations: int, blocks: int, size: int
) -> None:
    numbers = sorted(int(b) for b in np.random.default_rng(0).integers(blocks, size=conversations))
    first, again, other = (list(in_blocks(numbers, size, seed)) for seed in (0, 0, 1))
    assert first == again and (first != other or conversations == 1)
    assert sorted(i for batch in first for i in batch) == list(range(conversations))
    assert all(len(batch) == size for batch in first[:-1])
    seen = [numbers[i] for batch in first for i in batch]
    last = {block: place for place, block in enumerate(seen)}
    at_hand = [len({b for b in seen[place:] if b in set(seen[:place])}) for place in range(0, len(seen), 97)]
    assert max(at_hand) <= 64 and len(last) == len(set(numbers))
