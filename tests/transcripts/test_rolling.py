"""Captions that roll are joined to what was said: each line once, with the times at which it was new."""

import pytest

from crossspace.transcripts.formats.srt import parse_srt
from crossspace.transcripts.formats.vtt import parse_vtt


def rows(transcript):
    return [(cue.start, cue.end, cue.text) for cue in transcript.cues]


def srt(*cues):
    return "\n\n".join(f"{n}\n{times}\n{text}" for n, (times, text) in enumerate(cues, start=1)) + "\n"


TAGGED = """WEBVTT
Kind: captions
Language: de

00:00:01.000 --> 00:00:03.000 align:start position:0%
 
wir<00:00:01.400><c> backen</c><00:00:02.000><c.colorE5E5E5> Brot</c>

00:00:03.000 --> 00:00:03.010 align:start position:0%
wir backen Brot
 

00:00:03.010 --> 00:00:05.500 align:start position:0%
wir backen Brot
&gt;&gt; das<00:00:04.000><c> freut</c><00:00:04.400><c> mich</c>

00:00:05.500 --> 00:00:05.510 align:start position:0%
&gt;&gt; das freut mich
 

00:00:05.510 --> 00:00:07.000 align:start position:0%
&gt;&gt; das freut mich
[Musik]
"""  # noqa: W293


def test_a_line_of_word_times_that_rolls_is_said_once():
    found = parse_vtt(TAGGED, "a.vtt")
    assert rows(found) == [(1, 3, "wir backen Brot"), (3.01, 5.5, "das freut mich"), (5.51, 7, "[Musik]")]
    assert found.notes == (
        "4 of 5 cues show lines of the one before again, as captions do that roll; every line is kept once, with the "
        "times of the cue in which it was new.",
    )


def test_two_lines_that_roll_through_three_are_said_once():
    found = parse_srt(
        srt(
            ("00:00:00,000 --> 00:00:02,000", "one\ntwo"),
            ("00:00:02,000 --> 00:00:04,000", "one\ntwo\nthree"),
            ("00:00:04,000 --> 00:00:06,000", "two\nthree\nfour"),
            ("00:00:09,000 --> 00:00:11,000", "four"),
        ),
        "a.srt",
    )
    assert rows(found) == [(0, 2, "one two"), (2, 4, "three"), (4, 6, "four"), (9, 11, "four")]


def test_a_line_that_grows_word_by_word_lasts_as_long_as_it_grows():
    found = parse_srt(
        srt(
            ("00:00:00,000 --> 00:00:01,000", "I am"),
            ("00:00:01,000 --> 00:00:01,600", "I am so"),
            ("00:00:01,600 --> 00:00:02,000", "I am so glad"),
            ("00:00:02,000 --> 00:00:03,000", "I am so glad\nthat you"),
            ("00:00:03,000 --> 00:00:04,000", "I am so glad\nthat you came"),
        ),
        "a.srt",
    )
    assert rows(found) == [(0, 2, "I am so glad"), (2, 4, "that you came")]


@pytest.mark.parametrize("texts", [("No.", "No.", "No!"), ("No.", "No.\nNever.", "Why?", "Ask.", "Ask him.")])
def test_who_says_a_line_twice_in_a_file_that_does_not_roll_says_it_twice(texts):
    found = parse_srt(srt(*((f"00:00:0{n},000 --> 00:00:0{n + 1},000", text) for n, text in enumerate(texts))), "a")
    assert [cue.text for cue in found.cues] == [text.replace("\n", " ") for text in texts]
    assert found.notes == ()
