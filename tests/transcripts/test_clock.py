import pytest

from crossspace.transcripts.clock import seconds
from crossspace.transcripts.formats.vtt import parse_vtt


@pytest.mark.parametrize(
    ("written", "found"),
    [("1:02:03.5", 3723.5), ("02:03,500", 123.5), ("3.5", 3.5), (" 7 ", 7), ("9999:59:59", 35_999_999), ("-3", -3)],
)
def test_times_are_read_as_they_are_written(written, found):
    assert seconds(written) == found


@pytest.mark.parametrize(
    "written",
    ["soon", "nan", "inf", "1e9", "36000001", "-1e99", "10000:00:00", "9" * 400, "9" * 5000, "9" * 400 + ":00:00",
     "9" * 5000 + ":00:00", "1:" + "9" * 5000 + ":00"],
)  # fmt: skip
def test_what_is_no_time_or_beyond_ten_thousand_hours_is_unknown(written):
    assert seconds(written) is None


def test_the_bound_holds_for_the_seconds_and_not_for_the_number_of_milliseconds():
    assert seconds("36000000000", 1000) == 36_000_000
    assert seconds("36000000001", 1000) is None


@pytest.mark.parametrize("digits", [5, 400, 5000])
def test_a_cue_with_an_hour_of_many_digits_is_noted_and_the_others_are_read(digits):
    hour = "9" * digits
    text = f"WEBVTT\n\n{hour}:00:00 --> {hour}:00:01\nA\n\n00:01.000 --> 00:02.000\nB\n"
    found = parse_vtt(text, "a.vtt")
    assert [cue.text for cue in found.cues] == ["B"]
    assert "line 3" in found.notes[0]
