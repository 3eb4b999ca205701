from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossspace.data.cuts.rules import (
    folds,
    group_folds,
    group_ids,
    hash_order,
    stratified_folds,
    stratified_ids,
    validation_ids,
)
from crossspace.errors import UsageError

IDS = st.sets(st.text(max_size=5), min_size=2, max_size=40)


def test_the_rule_is_the_published_one():
    names = [f"Ses0{i}" for i in range(30)]
    order = sorted(names, key=lambda n: hashlib.sha256(f"7:{n}".encode()).hexdigest())
    assert hash_order(names, seed=7) == order
    assert validation_ids(names, 0.2, seed=7) == frozenset(order[:6])


def test_known_answers_do_not_change_with_releases():
    assert hash_order(["a", "b", "c", "d", "é"]) == ["d", "a", "c", "b", "é"]


@given(IDS, st.floats(0.01, 0.99), st.integers(0, 5))
def test_some_but_never_all_are_cut_whatever_their_order(names, fraction, seed):
    cut = validation_ids(names, fraction, seed)
    assert 1 <= len(cut) < len(names)
    assert cut <= names
    assert cut == validation_ids(sorted(names, reverse=True), fraction, seed)


@given(IDS, st.integers(2, 5))
def test_folds_hold_every_conversation_once_and_are_even(names, k):
    if len(names) < k:
        return
    parts = folds(names, k)
    assert sorted(n for part in parts for n in part) == sorted(names)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_another_seed_cuts_others():
    names = [str(i) for i in range(100)]
    assert validation_ids(names, seed=0) != validation_ids(names, seed=1)


def test_of_one_conversation_none_is_cut_and_with_fraction_zero_neither():
    assert validation_ids(["a"]) == validation_ids([]) == validation_ids(["a", "b"], 0) == frozenset()


def test_impossible_numbers_are_refused():
    with pytest.raises(UsageError, match=r"below 1. Found 1\.0"):
        validation_ids(["a", "b"], 1.0)
    with pytest.raises(UsageError, match="from 2 to 3"):
        folds(["a", "b", "c"], 4)


def uneven(count: int = 120, seed: int = 0) -> dict[str, list[int]]:
    """Conversations that each have a mood of their own."""
    random = np.random.default_rng(seed)
    moods = random.dirichlet(np.array([0.5, 1, 1.5, 2]), size=count)
    return {f"c{i}": random.multinomial(random.integers(20, 80), mood).tolist() for i, mood in enumerate(moods)}


def distance(counts: dict[str, list[int]], held: frozenset[str]) -> float:
    """Total variation distance between the label shares inside and outside."""
    inside = sum(np.array(c) for name, c in counts.items() if name in held)
    outside = sum(np.array(c) for name, c in counts.items() if name not in held)
    return float(abs(inside / inside.sum() - outside / outside.sum()).sum() / 2)


@pytest.mark.parametrize("seed", range(5))
def test_a_stratified_cut_has_the_labels_of_the_rest_where_that_by_hash_has_not(seed):
    counts = uneven()
    held, drawn = stratified_ids(counts, seed=seed), validation_ids(counts, seed=seed)
    assert len(held) == len(drawn) == 12
    assert distance(counts, held) < 0.02 < distance(counts, drawn)
    share = sum(sum(counts[name]) for name in held) / sum(map(sum, counts.values()))
    assert share == pytest.approx(0.1, abs=0.01)


def test_a_stratified_cut_is_the_same_whatever_the_order_and_another_for_another_seed():
    counts = uneven()
    assert stratified_ids(counts) == stratified_ids(dict(reversed(counts.items())))
    assert stratified_ids(counts) != stratified_ids(counts, seed=1)


def test_known_answers_of_the_stratified_cut_do_not_change_with_releases():
    counts = {f"c{i}": [i % 3, (i * i) % 5, i] for i in range(12)}
    assert sorted(stratified_ids(counts, 0.25)) == ["c11", "c3", "c4"]


def test_a_label_of_one_conversation_stays_where_most_conversations_are():
    counts = {f"c{i}": [10, 0] for i in range(10)} | {"rare": [10, 3]}
    assert all("rare" not in stratified_ids(counts, 0.1, seed) for seed in range(20))


@given(IDS, st.floats(0.01, 0.99), st.integers(0, 3))
def test_a_stratified_cut_takes_as_many_as_that_by_hash_whatever_the_labels(names, fraction, seed):
    counts = {name: [len(name), hash_order(names).index(name) % 2] for name in names}
    assert len(stratified_ids(counts, fraction, seed)) == len(validation_ids(names, fraction, seed))
    unlabelled = {key: [0, 0] for key in names}
    assert stratified_ids(unlabelled, fraction, seed) == validation_ids(names, fraction, seed)


@given(IDS, st.integers(2, 6), st.floats(0.01, 0.99), st.integers(0, 3))
def test_groups_are_taken_whole_and_never_all_of_them(names, count, fraction, seed):
    groups = {name: f"g{i % count}" for i, name in enumerate(sorted(names))}
    held = group_ids(groups, fraction, seed)
    taken = {groups[name] for name in held}
    assert held == {name for name in names if groups[name] in taken}
    assert 1 <= len(taken) < len(set(groups.values()))


def test_a_giant_group_is_not_taken_for_a_tenth():
    groups = {f"big{i}": "big" for i in range(80)} | {f"s{i}": f"small {i // 5}" for i in range(20)}
    for seed in range(10):
        assert {groups[name].split()[0] for name in group_ids(groups, 0.1, seed)} == {"small"}
        assert len(group_ids(groups, 0.1, seed)) == 10


def test_sessions_of_one_size_are_taken_one_by_one():
    groups = {f"Ses0{i % 4}_{i}": f"Ses0{i % 4}" for i in range(120)}
    assert {len(group_ids(groups, 0.1, seed)) for seed in range(5)} == {30}
    assert group_ids(groups, 0) == frozenset()


def test_a_single_group_is_refused():
    with pytest.raises(UsageError, match="All 2 conversations are of one"):
        group_ids({"a": "x", "b": "x"}, 0.5)


@given(IDS, st.integers(2, 5), st.integers(0, 2))
def test_stratified_folds_are_of_the_sizes_of_the_others_and_hold_everything_once(names, k, seed):
    if len(names) < k:
        return
    counts = {name: [len(name), 1] for name in names}
    parts = stratified_folds(counts, k, seed)
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert [len(part) for part in parts] == [len(part) for part in folds(names, k, seed)]


def test_stratified_folds_have_the_labels_of_the_whole():
    counts = uneven()
    apart = [
        [distance(counts, frozenset(part)) for part in parts]
        for parts in (stratified_folds(counts, 5), folds(counts, 5))
    ]
    assert max(apart[0]) < 0.03 < max(apart[1])


def test_folds_of_groups_tear_none_apart_and_are_nearly_even():
    groups = {f"c{i}": f"g{i % 7 if i < 70 else i}" for i in range(80)}
    parts = group_folds(groups, 4)
    assert sorted(name for part in parts for name in part) == sorted(groups)
    assert len({(groups[name], number) for number, part in enumerate(parts) for name in part}) == len(
        set(groups.values())
    )
    assert {len(part) for part in parts} == {20}
    with pytest.raises(UsageError, match="from 2 to 2, the groups"):
        group_folds({"a": "x", "b": "y", "c": "y"}, 3)
