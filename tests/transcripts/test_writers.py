"""What is written in a format reads as what was said, and what has no place in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError, UsageError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript
from crossspace.transcripts.writers import FORMATS, ending_of, written_as

TALKS = {
    "two who take turns": [Cue("Hello there", "Ann", 0.5, 2.0), Cue("Oh, no: never.", "Ben", 2.0, 3.0)],
    "whole seconds": [Cue("yes", "Ann", 0, 2), Cue("no", "Ben", 2, 4), Cue("maybe", "Ann", 4, 6)],
    "nobody known": [Cue("Hello there", UNKNOWN_SPEAKER, 0.5, 2.0), Cue("Fine", UNKNOWN_SPEAKER, 2.0, 3.0)],
    "one unknown utterance": [Cue("Hello", UNKNOWN_SPEAKER, 0, 1)],
    "at once": [Cue("Hello", "Ann", 0, 1), Cue("Hello", "Ann", 0.5, 1.5), Cue("Fine", "Ben", 0.75, 2)],
    "signs": [Cue('I "said" no', "Ann", 0, 1), Cue("5 < 6 & more", "Ben", 1, 2), Cue("- well", "Ann", 2, 3)],
    "between signs": [Cue("if a <b and c> d", "Ann", 0, 1), Cue("=1+1", "Ben", 1, 2)],
    "hours and other letters": [Cue("Hello", "Ann", 3600.5, 3601), Cue("\u65e5\u672c", "\u674e\u96f7", 7200, 7201.25)],
}
WITH_WORDS = sorted(set(FORMATS) - {".rttm"})


@pytest.mark.parametrize("ending", WITH_WORDS)
@pytest.mark.parametrize("talk", TALKS)
def test_what_is_written_reads_as_what_was_said(tmp_path: Path, talk: str, ending: str) -> None:
    text, lost = written_as(Transcript(tuple(TALKS[talk])), f"a{ending}", "talk")
    (tmp_path / f"talk{ending}").write_text(text, encoding="utf-8")
    assert read_transcript(tmp_path / f"talk{ending}").cues == tuple(TALKS[talk])
    assert not lost


@pytest.mark.parametrize("ending", [".eaf", ".TextGrid", ".csv", ".json"])
def test_labels_of_people_stay_labels(tmp_path: Path, ending: str) -> None:
    names = ["joy", "anger", "joy", "anger", "joy"]
    cues = tuple(Cue(f"word {k} is new", "AB"[k % 2] + "nn", k, k + 1, label) for k, label in enumerate(names))
    (tmp_path / f"talk{ending}").write_text(written_as(Transcript(cues), f"a{ending}", "talk")[0])
    assert [cue.label for cue in read_transcript(tmp_path / f"talk{ending}").cues] == names


def test_turns_are_written_without_words_and_that_is_said() -> None:
    text, lost = written_as(Transcript((Cue("Hello", "Ann Lee", 0, 1, "joy"),)), "a.rttm", "a talk")
    assert text == "SPEAKER a_talk 1 0.000 1.000 <NA> <NA> Ann_Lee <NA> <NA>\n"
    assert len(lost) == 2 and "emotions of 1" in lost[0] and "words" in lost[1]


def test_what_has_no_place_is_told() -> None:
    cues = (Cue("Hello", "Ann", 0, 1, "joy"), Cue("Fine", "Ben"), Cue("one two three four", "Ann", 5.0))
    transcript = Transcript(cues, sounds=(Cue("[door]"),))
    text, lost = written_as(transcript, "a.SRT", "talk")
    assert "00:00:05,000 --> 00:00:06,600\nAnn: one two three four" in text and "Fine" not in text
    assert [note.split(" ", 2)[0] for note in lost] == ["1", "1", "SRT", "1"] and "1 of 3" in lost[1]
    assert "Fine" in written_as(transcript, "a.csv", "talk")[0]


def test_formats_of_times_are_refused_where_there_are_none_and_others_by_name() -> None:
    with pytest.raises(DataError, match=r"WebVTT needs times .*'talk'"):
        written_as(Transcript((Cue("Hello", "Ann"),)), "a.vtt", "talk")
    with pytest.raises(UsageError, match=r"Found 'a\.docx'"):
        ending_of("a.docx")
