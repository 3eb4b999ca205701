import pytest

from crossspace.transcripts.formats.srt import parse_srt
from crossspace.transcripts.formats.vtt import parse_vtt


def rows(transcript):
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in transcript.cues]


def test_two_speakers_of_a_cue_share_its_times():
    voices = parse_vtt("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Yes.</v> <v Bob>No.</v>\n", "a.vtt")
    assert rows(voices) == [("Ann", 1, 2, "Yes."), ("Bob", 1, 2, "No.")]
    dashes = parse_srt("1\n00:00:01,000 --> 00:00:02,000\n- Yes.\n- BOB: No,\nnever.\n", "a.srt")
    assert rows(dashes) == [("speaker", 1, 2, "Yes."), ("BOB", 1, 2, "No, never.")]
    assert voices.notes == dashes.notes == ()


def test_empty_cues_are_left_out_and_noted():
    found = parse_vtt(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:03.000 --> 00:04.000\n<i> </i>\n\n00:05.000 --> 00:06.000\nHi.", "a"
    )
    assert rows(found) == [("speaker", 5, 6, "Hi.")]
    assert found.notes == ("2 of 3 entries have no text; left out (line 3, line 5).",)


def test_unordered_cues_are_sorted_and_noted():
    found = parse_vtt("WEBVTT\n\n00:05.000 --> 00:06.000\nB\n\n00:01.000 --> 00:02.000\nA\n", "a")
    assert [cue.text for cue in found.cues] == ["A", "B"]
    assert "sorted" in found.notes[0]


def test_overlapping_cues_are_kept_and_noted():
    found = parse_vtt(
        "WEBVTT\n\n00:01.000 --> 00:09.000\nA\n\n00:02.000 --> 00:03.000\nB\n\n00:04.000 --> 00:05.000\nC\n", "a"
    )
    assert len(found.cues) == 3
    assert found.notes == ("2 of 3 utterances begin before the one above has ended; kept as they are.",)


def test_a_cue_that_ends_before_it_starts_keeps_its_text_and_place():
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nA\n\n00:04.000 --> 00:03.000\nB\n\n00:05.000 --> 00:06.000\nC\n"
    found = parse_vtt(text, "a")
    assert rows(found) == [("speaker", 1, 2, "A"), ("speaker", None, None, "B"), ("speaker", 5, 6, "C")]
    assert "line 6" in found.notes[0]


@pytest.mark.parametrize("parse", [parse_vtt, parse_srt])
def test_a_line_of_times_that_cannot_be_read_is_noted_with_its_line(parse):
    found = parse("00:00:01.000 --> 00:00:02.000\nA\n\n00:00:xx.000 --> 00:00:04.000\nB\n", "a")
    assert [cue.text for cue in found.cues] == ["A"]
    assert "1 blocks" in found.notes[0] and "line 4" in found.notes[0]


def test_a_blank_line_inside_a_subtitle_does_not_lose_what_follows():
    found = parse_srt("1\n00:00:01,000 --> 00:00:02,000\nOne\n\ntwo\n\n2\n00:00:03,000 --> 00:00:04,000\nThree\n", "a")
    assert [cue.text for cue in found.cues] == ["One two", "Three"]


def test_cues_without_blank_lines_between_them_are_told_apart():
    found = parse_srt("1\n00:00:01,000 --> 00:00:02,000\nOne\n2\n00:00:03,000 --> 00:00:04,000\nIn 1984\n", "a")
    assert rows(found) == [("speaker", 1, 2, "One"), ("speaker", 3, 4, "In 1984")]


def test_hours_beyond_a_day_and_missing_hours_are_read():
    found = parse_vtt("WEBVTT\n\n59:59.999 --> 100:00:00.500\nLong.\n", "a")
    assert rows(found) == [("speaker", pytest.approx(3599.999), 360000.5, "Long.")]


@pytest.mark.parametrize(
    "times",
    ["00:11:25,000 -> 00:11:27,000", "00:11:25,000-->00:11:27,000", "00:11:25,000 ---> 00:11:27,000",
     "00:11:25,000 –> 00:11:27,000", "00:11:25,000 → 00:11:27,000", "00：11：25，000 --> 00：11：27，000",
     "00:11:25 --> 00:11:27", "00:11:25.0 --> 00:11:27.0", "11:25,000 --> 11:27,000", "00:11:25:000 --> 00:11:27:000",
     "0:11:25,000 ==> 0:11:27,000", "00: 11: 25, 000 -- > 00: 11: 27, 000", "00:11:25,000 --&gt; 00:11:27,000",
     "00:11:25:12 --> 00:11:27:24",
     "00:11:25,000 --> 00:11:27,000 X1:40 X2:600 Y1:20 Y2:50"],
)  # fmt: skip
def test_arrows_and_colons_that_people_mistype_are_read(times):
    found = parse_srt(f"1\n00:00:01,000 --> 00:00:02,000\nOne.\n\n2\n{times}\nTwo.\n", "a")
    assert rows(found) == [("speaker", 1, 2, "One."), ("speaker", 685, 687, "Two.")]
    assert found.notes == ()


@pytest.mark.parametrize("times", ["00:00:02,000 -> 00:00:xx", "00:xx:02 → 00:00:03,000", "00:00:02 --> soon"])
def test_a_mistyped_line_of_times_that_cannot_be_read_is_no_speech(times):
    found = parse_srt(f"1\n00:00:01,000 --> 00:00:02,000\nOne.\n\n2\n{times}\nTwo.\n", "a")
    assert rows(found) == [("speaker", 1, 2, "One.")]
    assert "line 5" in found.notes[0]


def test_words_behind_the_times_are_said():
    found = parse_srt("1\n00:00:01,000 --> 00:00:02,000 One and\nmore.\n", "a")
    assert rows(found) == [("speaker", 1, 2, "One and more.")]


def test_only_an_empty_line_ends_a_cue_of_webvtt():
    found = parse_vtt("WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n \nand two.\n \nid\n00:03.000 --> 00:04.000\nB\n", "a")
    assert rows(found) == [("speaker", 1, 2, "One and two."), ("speaker", 3, 4, "B")]
    assert found.notes == ()
