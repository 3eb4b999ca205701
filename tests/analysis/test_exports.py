from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.exports import render, to_csv, to_json, to_vtt
from crossspace.errors import DataError, UsageError


def said(name: str, speaker: str, text: str | None, start: float | None, joy: float) -> UtteranceAnalysis:
    probabilities = {"joy": joy, "anger": 1 - joy}
    label = max(probabilities, key=lambda k: probabilities[k])
    end = None if start is None else start + 1
    return UtteranceAnalysis(
        name,
        speaker,
        start,
        end,
        text,
        label,
        probabilities[label],
        probabilities,
        {"text": probabilities},
        {"text": 0.1},
    )


@pytest.fixture
def analysis() -> Analysis:
    return Analysis(
        "talk",
        ("joy", "anger"),
        {"name": "m", "kind": "css", "modalities": ["text"], "causal": False, "in_the_box": True},
        None,
        (said("a", "Ann", "Fine <3 & more", 3599.9996, 0.75), said("b", "Bob", "=1+1", None, 0.25)),
        ("A note.",),
    )


def test_json_holds_everything(analysis: Analysis) -> None:
    found = json.loads(to_json(analysis))
    assert found == json.loads(json.dumps(analysis.to_dict()))
    assert found["arcs"]["Ann"] == {"utterances": 1, "seconds": 1.0, "shares": {"joy": 0.75, "anger": 0.25}}
    assert found["arcs"]["Bob"]["seconds"] is None


def test_csv_has_a_row_per_utterance_and_no_formula(analysis: Analysis) -> None:
    first, second = csv.DictReader(io.StringIO(to_csv(analysis)))
    assert (first["label"], float(first["p_joy"]), first["text_alone"]) == ("joy", 0.75, "joy")
    assert second["text"] == "'=1+1" and second["start"] == ""


def test_webvtt_carries_the_emotion_as_class_and_escapes_what_was_said(analysis: Analysis) -> None:
    text = to_vtt(analysis)
    assert text.startswith("WEBVTT\n\n01:00:00.000 --> 01:00:01.000\n")
    assert "<v Ann><c.joy>Fine &lt;3 &amp; more</c></v>" in text
    assert "Bob" not in text


def test_webvtt_without_any_time_is_refused(analysis: Analysis) -> None:
    untimed = replace(analysis, utterances=analysis.utterances[1:])
    with pytest.raises(DataError, match="needs times"):
        to_vtt(untimed)


@pytest.mark.parametrize(
    ("start", "end"),
    [(-3.0, 2.0), (5.0, 2.0), (1.0, 1.0), (1.0, 1.0001), (1.0, 1e308), (1e308, 1.5e308), (float("nan"), 2.0)],
)
def test_webvtt_leaves_out_what_makes_no_valid_cue(analysis: Analysis, start: float, end: float) -> None:
    fine, other = analysis.utterances
    odd = replace(other, start=start, end=end)
    assert to_vtt(replace(analysis, utterances=(fine, odd))) == to_vtt(analysis)
    with pytest.raises(DataError, match="needs times"):
        to_vtt(replace(analysis, utterances=(odd,)))


def test_a_format_that_is_not_there_is_named(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"\.docx"):
        render(analysis, "talk.docx")
