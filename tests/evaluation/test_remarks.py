"""Remarks: a wide gap, emotions that training never or seldom shows, emotions that nobody expresses."""

from __future__ import annotations

from typing import Any

import pytest

from crossspace.evaluation.remarks import ceiling_of, remarks, remarks_of_run


def results(test: float = 0.7, interval: Any = (0.66, 0.74), **support: int) -> dict[str, Any]:
    metric = {"mean": test, "interval": interval}
    classes = {label: {"support": count} for label, count in (support or {"joy": 30, "anger": 40}).items()}
    return {"protocol": "validation", "split": "test", "metrics": {"weighted_f1": metric}, "per_class": classes}


def headings(*arguments: Any, **more: Any) -> list[str]:
    return [found.heading for found in remarks(*arguments, **more)]


GAP = "Validation and test are far apart"


@pytest.mark.parametrize(
    ("chosen", "interval", "said"),
    [
        ([0.987], (0.66, 0.74), True),
        ([0.95, 0.85], (0.66, 0.74), True),
        ([0.5], (0.66, 0.74), True),
        ([0.987], None, True),
        ([0.73], (0.66, 0.74), False),
        ([0.749], (0.66, 0.74), False),  # beyond the interval, but no more than five points away
        ([0.8], (0.5, 0.82), False),  # far, but within what other conversations could give
        ([], (0.66, 0.74), False),
    ],
)
def test_a_gap_is_remarked_when_it_is_wide_and_beyond_the_interval(chosen: Any, interval: Any, said: bool) -> None:
    assert headings(results(interval=interval), chosen=chosen) == [GAP] * said


def test_a_gap_is_a_note_that_says_how_wide_by_what_rule_and_what_may_be_behind_it() -> None:
    (found,) = remarks(results(0.794, (0.75, 0.83)), chosen=[0.987])
    for piece in ("98.7", "79.4", "19.3 points", "more than 5 points", "encoder", "speakers", "few conversations"):
        assert piece in found.text
    assert str(found).startswith("Note: Validation")
    (other,) = remarks(results(0.794, (0.75, 0.83)), chosen=[0.6])
    assert "encoder" not in other.text and "few conversations" in other.text


def test_where_the_test_split_chose_the_epoch_there_is_no_gap_to_speak_of() -> None:
    assert headings({**results(), "protocol": "best-on-test"}, chosen=[0.99]) == []


def test_an_emotion_that_training_never_shows_is_warned_of() -> None:
    found = remarks(results(joy=30, fear=8), training_labels={"joy": 60, "fear": 0})
    assert [f.heading for f in found] == ["Never seen in training"]
    assert "fear (8 utterances)" in found[0].text and "Merge" in found[0].text and str(found[0]).startswith("Warning:")


def test_rare_and_absent_emotions_are_told_apart_from_those_never_seen() -> None:
    found = headings(results(joy=30, fear=1, calm=0), training_labels={"joy": 10, "fear": 9, "calm": 50})
    assert found == ["Rare in training", "Without utterances in test"]
    assert headings(results(joy=30, fear=0), training_labels={"joy": 50, "fear": 0}) == ["Without utterances in test"]
    assert headings(results(joy=30, fear=1), training_labels={"joy": 10, "fear": 10}) == []
    assert headings(results(joy=30, fear=1)) == []


def test_run_folders_of_any_age_can_be_remarked_upon() -> None:
    assert remarks_of_run(results(), {"corpus": {}}) == []
    environment = {"corpus": {"training_labels": {"joy": 0, "anger": 20}}, "chosen": [{"seed": 0, "best_score": 0.9}]}
    assert [f.heading for f in remarks_of_run(results(), environment)] == [GAP, "Never seen in training"]


def test_a_ceiling_is_known_or_not() -> None:
    assert ceiling_of({"ceiling": {"accuracy": 0.954}}) == 0.954 and ceiling_of({}) is None


@pytest.mark.parametrize(
    ("distance", "advice", "said"),
    [
        (0.02, None, []),
        (0.24, None, ["2.5 % of its utterances are happy, against 6.1 %", "stratified"]),
        (0.02, "Only 12 conversations.", ["Only 12 conversations."]),
    ],
)
def test_a_validation_split_that_decides_little_is_told(distance: float, advice: str | None, said: list[str]) -> None:
    validation = {
        "difference": {"distance": distance, "label": "happy", "reference": 0.061, "found": 0.025},
        "advice": advice,
    }
    found = remarks(results(), validation=validation)
    assert len(found) == bool(said) and all(part in str(found[0]) for part in said)
    assert remarks({**results(), "protocol": "best-on-test"}, validation=validation) == []
