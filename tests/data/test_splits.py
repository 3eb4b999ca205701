from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossspace.data.splits import folds, hash_order, validation_ids
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
