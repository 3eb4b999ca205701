"""What a person corrected, in an analysis and its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crossspace.analysis.analysis import Analysis
from crossspace.transcripts import read_transcript


@pytest.fixture
def corrected(make_analysis: Callable[..., Analysis]) -> Analysis:
    """Of six utterances, the first was corrected from neutral to joy."""
    first, *rest = make_analysis(6).utterances
    return replace(make_analysis(6), utterances=(replace(first, corrected="joy"), *rest))


def test_an_analysis_comes_back_from_its_plain_values(corrected: Analysis) -> None:
    plain = json.loads(json.dumps(corrected.to_dict()))
    assert Analysis.from_dict(plain).to_dict() == corrected.to_dict()
    assert plain["utterances"][0]["corrected"] == "joy" and "corrected" not in plain["utterances"][1]


def test_a_corrected_label_is_certain_in_the_arc_of_its_speaker(corrected: Analysis) -> None:
    assert corrected.arcs["Ann"]["shares"] == pytest.approx({"neutral": 0.4 / 3, "joy": 1.8 / 3, "anger": 0.8 / 3})
    assert corrected.arcs["Ben"]["shares"]["neutral"] == pytest.approx((0.2 + 0.6 + 0.2) / 3)


@pytest.mark.parametrize("ending", [".eaf", ".TextGrid"])
def test_what_a_person_corrected_is_read_back_as_a_label_and_what_was_predicted_is_not(
    corrected: Analysis, tmp_path: Path, ending: str
) -> None:
    again = read_transcript(corrected.save(tmp_path / f"talk{ending}"))
    assert [cue.label for cue in again.cues] == ["joy", None, None, None, None, None]


def test_to_frame_has_a_column_of_corrections_only_where_there_are_any(
    corrected: Analysis, make_analysis: Callable[..., Analysis]
) -> None:
    pytest.importorskip("pandas")
    assert list(corrected.to_frame()["corrected"].fillna(""))[:2] == ["joy", ""]
    assert "corrected" not in make_analysis().to_frame().columns
