from __future__ import annotations

import pytest

from crossspace.data.cuts.recut import cut_validation
from crossspace.data.cuts.shares import share_difference, validation_advice
from crossspace.data.summary import summary, validation_summary


def test_the_distance_is_half_the_sum_of_the_differences_and_names_the_label_that_differs_most() -> None:
    found = share_difference({"a": 50, "b": 30, "c": 20}, {"a": 3, "b": 3, "c": 4})
    assert found is not None
    assert found.distance == pytest.approx(0.2)
    assert (found.label, found.reference, found.found) == ("a", 0.5, 0.3)
    assert "20.0 %, most for 'a' (30.0 % against 50.0 %)" in str(found)


def test_equal_shares_are_no_distance_apart_and_other_labels_are_as_far_as_can_be() -> None:
    same, other = share_difference({"a": 1, "b": 3}, {"b": 30, "a": 10}), share_difference({"a": 1}, {"b": 2})
    assert same is not None and same.distance == 0
    assert other is not None and other.distance == 1


def test_splits_without_labels_cannot_be_compared() -> None:
    assert share_difference({"a": 0}, {"a": 3}) is None
    assert share_difference({"a": 3}, {}) is None


def test_a_small_validation_split_is_advised_folds_and_a_large_one_is_not() -> None:
    assert validation_advice(30, {"a": 10, "b": 400}) is None
    few, rare = validation_advice(29, {"a": 10, "b": 400}), validation_advice(30, {"a": 9, "b": 400})
    assert few is not None and "only 29 conversations" in few and "crossspace tune" in few
    assert rare is not None and "only 9 utterances of 'a'" in rare
    both = validation_advice(3, {"a": 0, "b": 400})
    assert both is not None and "3 conversations and 0 utterances of 'a'" in both


def test_the_summary_says_how_far_validation_is_from_train_and_how_it_was_cut(corpus, spec) -> None:
    found = summary(corpus)
    assert found["cut"] is None
    numbers = {s: found["splits"][s]["labels"] for s in ("train", "validation")}
    expected = share_difference(numbers["train"], numbers["validation"])
    assert expected is not None and found["validation"]["difference"]["distance"] == expected.distance
    assert "2 conversations" in found["validation"]["advice"]
    alone = corpus.with_splits(dict.fromkeys(corpus.conversation_ids("validation")))
    assert validation_summary(alone) is None
    assert summary(cut_validation(alone))["cut"]["rule"] == "hash"
