"""What programs write beside what was said is not taken for it, and what stands in unusual places is not lost."""

import codecs

import pytest

from benchmarks.linear import is_linear
from crossspace.errors import DataError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.speakers import plain


def said(transcript):
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in transcript.cues]


def test_frequencies_below_a_label_of_audacity_are_no_speech(read):
    found = read("0.000000\t1.500000\thello there\n\\\t100.0\t2000.0\n2.000000\t3.250000\thi\n\\\t-1.0\t-1.0\n")
    assert said(found) == [("speaker", 0.0, 1.5, "hello there"), ("speaker", 2.0, 3.25, "hi")]


@pytest.mark.parametrize("text", ["0 5000000 sil\n5000000 9000000 hello\n", "0.5 1.5 hello\n1.5 2.5 you\n"])
def test_labels_behind_two_numbers_are_refused(read, text):
    with pytest.raises(DataError, match="labels behind two numbers"):
        read(text)


def test_a_time_spelled_below_the_time_is_no_speech(read):
    found = read("0:00\nhello all\n0:02\n2 seconds\n2 dogs bark\n1:02\n1 Minute, 2 Sekunden\nthe end\n")
    assert [cue.text for cue in found.cues] == ["hello all", "2 dogs bark", "the end"]


def test_names_of_cues_of_webex_say_who_speaks(read):
    cue = "00:00:0{0}.000 --> 00:00:0{1}.000\n{2}\n\n"
    text = 'WEBVTT\n\n1 "Ann Lee" (123)\n' + cue.format(1, 2, "Good morning: all.")
    found = read(text + '2 "A <b> & C" (4)\n' + cue.format(3, 4, "Hi."))
    assert said(found) == [("Ann Lee", 1.0, 2.0, "Good morning: all."), ("A <b> & C", 3.0, 4.0, "Hi.")]


@pytest.mark.parametrize("marks", ["\u202b{}\u202c", "\u200f{}", "\u2067{}\u2069", "{}"])
def test_marks_of_direction_make_no_other_name(read, marks):
    lines = [marks.format("Noa: hello"), "Dan: hi", "Noa: bye"]
    found = read("\n".join(lines))
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("Noa", "hello"), ("Dan", "hi"), ("Noa", "bye")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_its_mark(tmp_path, encoding):
    text = "1\r\n00:00:01,000 --> 00:00:02,000\r\nHällo Jörg\r\n\r\n"
    assert not text.encode(encoding).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    (tmp_path / "a.srt").write_bytes(text.encode(encoding))
    assert said(read_transcript(tmp_path / "a.srt")) == [("speaker", 1.0, 2.0, "Hällo Jörg")]


def test_timecodes_in_and_out_are_times(read):
    found = read(
        "Speaker,Timecode In,Timecode Out,Text\nAnn,00:00:01:00,00:00:04:00,Hello\nBob,00:00:05:00,00:00:06:00,Hi\n"
    )
    assert said(found) == [("Ann", 1.0, 4.0, "Hello"), ("Bob", 5.0, 6.0, "Hi")]


@pytest.mark.parametrize("atom", ["[1.0-[[[[1,", "a.", "b c"])
def test_a_tag_that_is_never_closed_takes_no_square_of_time(atom):
    assert is_linear(plain, "<a", atom, "&#99999999;")


def test_marks_of_silence_and_noise_in_tiers_are_no_speech(read):
    grid = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n5\n<exists>\n2\n'
    for name, texts in (
        ("Ann", ("hello", "<SIL>", "<VOCNOISE>", "sp")),
        ("gesture", ("waves", "", "", "points at it")),
    ):
        grid += f'"IntervalTier"\n"{name}"\n0\n5\n4\n'
        grid += "".join(f'{at}\n{at + 1}\n"{text}"\n' for at, text in enumerate(texts))
    found = read(grid)
    assert said(found) == [("Ann", 0.0, 1.0, "hello")]
    assert [cue.text for cue in found.sounds] == ["[VOCNOISE]"]
    assert any("'gesture' (goes with speech by its name)" in note for note in found.notes)
    assert "2 annotations mark silence and are left out ('<SIL>', 'sp')." in found.notes
