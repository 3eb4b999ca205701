"""What times count is stated by a name, or judged from everything that a file says, and then told."""

from __future__ import annotations

import pytest

from crossspace.transcripts.clock import amount_of
from crossspace.transcripts.formats.json_file import parse_json
from crossspace.transcripts.formats.table import parse_csv
from crossspace.transcripts.units import (
    FRAMES,
    MICROSECONDS,
    MILLISECONDS,
    SECONDS,
    TICKS,
    Spoken,
    are_dates,
    judged,
    unit_of,
)

TALK = (Spoken(0.5, 2.0, 5), Spoken(2.1, 4.0, 4), Spoken(4.5, 9.0, 14))


def counted(per_second: float) -> list[Spoken]:
    return [Spoken(one.start * per_second, (one.end or 0) * per_second, one.words) for one in TALK]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *((name, SECONDS) for name in ("start_sec", "Start (s)", "start [s]", "startSeconds", "Begin Time - ss.msec")),
        *((name, MILLISECONDS) for name in ("start_ms", "startMs", "tStartMs", "startms", "Begin Time - msec")),
        *((name, TICKS) for name in ("offsetInTicks", "offset_ticks")),
        *((name, None) for name in ("start", "Begin Time - hh:mm:ss.ms", "starts", "ms", "speakers")),
        ("start_frame", FRAMES),
    ],
)
def test_a_name_may_state_the_unit(name, unit):
    assert unit_of(name)[1] == unit


@pytest.mark.parametrize("unit", [SECONDS, MILLISECONDS, TICKS])
def test_nobody_says_two_hundred_words_a_second_nor_a_word_a_minute(unit):
    chosen, sentence = judged(counted(unit.per_second))
    assert chosen == unit
    # Fractions are the mark of seconds; whatever else was inferred is said.
    assert (unit.name in sentence) == (unit is not SECONDS)


def test_whole_numbers_that_are_seconds_are_told_as_such():
    unit, sentence = judged([Spoken(0, 3, 6), Spoken(3, 8, 12)])
    assert (unit, sentence) == (
        SECONDS,
        "Times are whole numbers without a unit; read as seconds (2.2 words a second).",
    )


@pytest.mark.parametrize(("words", "unit"), [(0, MILLISECONDS), (4, MILLISECONDS)])
def test_utterances_of_half_an_hour_are_milliseconds_with_or_without_words(words, unit):
    assert judged([Spoken(500, 2000, words), Spoken(2100, 4000, words)])[0] == unit


def test_silence_between_starts_is_no_evidence_of_milliseconds():
    assert judged([Spoken(0, None, 1), Spoken(40, None, 2), Spoken(95, None, 1)])[0] == SECONDS
    assert judged([Spoken(0.5, None, 1), Spoken(140.25, None, 1), Spoken(395.0, None, 1)])[0] == SECONDS


def test_nothing_ends_after_the_recording():
    slow = [Spoken(0, 20, 1), Spoken(20, 60, 1)]
    assert judged(slow, duration=60)[0] == SECONDS
    fast = [Spoken(0, 2_000, 400), Spoken(2_000, 4_000, 500)]
    assert judged(fast)[0] == SECONDS
    assert judged(fast, duration=4)[0] == MILLISECONDS
    assert judged([Spoken(0, 2e6, 5), Spoken(2e6, 4e6, 9)], duration=4)[0] == MICROSECONDS


def test_what_fits_nothing_well_is_told_with_doubt():
    assert "Check that" in judged([Spoken(0, 60, 2), Spoken(60, 130, 2)])[1]


@pytest.mark.parametrize(("start", "dates"), [(1_463_749_200, True), (1_463_749_200_000, True), (36_000, False)])
def test_moments_of_the_calendar_are_no_times_of_a_recording(start, dates):
    assert are_dates([Spoken(start, None, 3), Spoken(start + 5, None, 3)]) is dates


@pytest.mark.parametrize(
    ("value", "number", "unit"),
    [
        ("1.300s", 1.3, SECONDS), ("500 ms", 500, MILLISECONDS), ("PT1M3.5S", 63.5, SECONDS), ("1:02", 62, SECONDS),
        ({"seconds": "1", "nanos": 300_000_000}, 1.3, SECONDS), ({"nanos": 500_000_000}, 0.5, SECONDS),
        (2, 2, None), ("2,5", 2.5, None), (" 7 ", 7, None),
    ],
)  # fmt: skip
def test_a_notation_may_state_the_unit(value, number, unit):
    amount = amount_of(value)
    assert amount is not None and (amount.number, amount.unit) == (pytest.approx(number), unit)


@pytest.mark.parametrize("value", [True, None, "", [1], {}, {"x": 1}, "PT", "PTS", "s", "1 s s", 10**400, "nan"])
def test_what_is_no_time_is_none(value):
    assert amount_of(value) is None


def test_clocks_are_never_divided_by_the_unit_of_their_column():
    cues = parse_csv("text,start_ms,end_ms\nA,00:00:01.5,2500\n", "a.csv").cues
    assert [(cue.start, cue.end) for cue in cues] == [(1.5, 2.5)]


def test_frames_without_a_rate_are_unknown_and_told():
    found = parse_csv("text,start_frame,end_frame\nA,10,35\n", "a.csv")
    assert found.cues[0].start is None
    assert "frames" in found.notes[0]


def test_one_file_is_judged_as_a_whole():
    # The first utterance alone would pass for seconds: three words in three.
    text = '{"utterances":[{"start":0,"end":3,"text":"a b c"},{"start":900,"end":2400,"text":"so I went there"},'
    text += '{"start":2500,"end":4900,"text":"and came back again yes"}]}'
    found = parse_json(text, "a.json")
    assert [cue.start for cue in found.cues] == [0, 0.9, 2.5]
    assert "milliseconds" in found.notes[0]


def test_an_end_is_a_start_and_a_duration_in_their_own_units():
    found = parse_csv("text,start,duration_ms\nA,00:00:01,500\nB,00:00:02.5,1500\n", "a.csv")
    assert [(cue.start, cue.end) for cue in found.cues] == [(1, 1.5), (2.5, 4)]


@pytest.mark.parametrize(("frames", "rate"), [("12", 25), ("29", 30), ("59", 60), ("75", 100)])
def test_timecodes_count_frames_of_the_usual_rate_above_all_that_occur(frames, rate):
    found = parse_csv(f"Speaker Name\tStart Time\tText\nA\t00:00:01:{frames}\tHi.\nB\t00:01:00;05\tHo.\n", "a.tsv")
    assert [cue.start for cue in found.cues] == [pytest.approx(1 + int(frames) / rate), pytest.approx(60 + 5 / rate)]
    assert f"{rate} a second" in found.notes[0]


WORDS = "start,end,text\n10,40,yes\n50,90,no\n95,99,well\n"


@pytest.mark.parametrize(("length", "first"), [(None, 10.0), (100.0, 10.0), (2.0, 0.01)])
def test_nothing_is_said_after_the_end_of_the_recording(length: float | None, first: float) -> None:
    ask = None if length is None else lambda: length
    assert parse_csv(WORDS, "a.csv", ask).cues[0].start == first
    rows = '[{"start": 10, "end": 40, "text": "yes"}, {"start": 50, "end": 90, "text": "no"}]'
    assert parse_json(rows, "a.json", ask).cues[0].start == first


def test_the_length_of_a_recording_is_not_asked_for_where_times_say_what_they_count() -> None:
    def asked() -> float:
        raise AssertionError

    assert parse_csv("start_ms,end_ms,text\n10,40,yes\n", "a.csv", asked).cues[0].start == 0.01
    assert parse_csv("start,text\n0:10,yes\n0:12,no\n", "a.csv", asked).cues[0].start == 10
    assert parse_csv("speaker,text\nAnn,yes\n", "a.csv", asked).cues[0].start is None
