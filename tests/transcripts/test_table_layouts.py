"""Tables in the ways that programs and people write them, each with what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.formats.table import parse_csv

WANTED = [("Ann", 0.5, 2.0, "Hello, I am glad."), ("Ben", 2.1, 4.0, "Thanks a lot.")]
NO_HEAD = {
    "ELAN, seconds": "Ann\t\t0.500\t2.000\t1.500\tHello, I am glad.\nBen\t\t2.100\t4.000\t1.900\tThanks a lot.\n",
    "ELAN, milliseconds": "Ann\t\t500\t2000\t1500\tHello, I am glad.\nBen\t\t2100\t4000\t1900\tThanks a lot.\n",
    "ELAN, clocks": "Ann\t\t00:00:00.500\t00:00:02.000\t00:00:01.500\tHello, I am glad.\n"
    "Ben\t\t00:00:02.100\t00:00:04.000\t00:00:01.900\tThanks a lot.\n",
    "ELAN, both": "Ann\t00:00:00.500\t0.500\t00:00:02.000\t2.000\tHello, I am glad.\n"
    "Ben\t00:00:02.100\t2.100\t00:00:04.000\t4.000\tThanks a lot.\n",
    "commas and no quotes": "0.5,2.0,Ann,Hello, I am glad.\n2.1,4.0,Ben,Thanks a lot.\n",
    "numbered rows": "1;0,5;2,0;Ann;Hello, I am glad.\n2;2,1;4,0;Ben;Thanks a lot.\n",
    "bars": "Ann|0:00.5|0:02|Hello, I am glad.\nBen|0:02.1|0:04|Thanks a lot.\n",
}
HEADS = {
    "German": "Sprecher;Beginn;Ende;Äußerung\nAnn;0,5;2,0;Hello, I am glad.\nBen;2,1;4,0;Thanks a lot.\n",
    "French": 'Locuteur,Début,Fin,Énoncé\nAnn,0.5,2,"Hello, I am glad."\nBen,2.1,4,Thanks a lot.\n',
    "Spanish": "Hablante|Inicio|Duración|Texto\nAnn|0.5|1.5|Hello, I am glad.\nBen|2.1|1.9|Thanks a lot.\n",
    "Italian": "Parlante\tInizio\tFine\tTesto\nAnn\t0.5\t2\tHello, I am glad.\nBen\t2.1\t4\tThanks a lot.\n",
    "Portuguese": "Falante;Início;Fim;Texto\nAnn;0.5;2;Hello, I am glad.\nBen;2.1;4;Thanks a lot.\n",
    "Dutch": "Spreker;Begintijd;Eindtijd;Tekst\nAnn;0.5;2;Hello, I am glad.\nBen;2.1;4;Thanks a lot.\n",
    "Praat": "tmin\ttier\ttext\ttmax\n0.5\tAnn\tHello, I am glad.\t2\n2.1\tBen\tThanks a lot.\t4\n",
    "ELAN": "Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\nAnn\t0.5\t2.0\tHello, I am glad.\n"
    "Ben\t2.1\t4.0\tThanks a lot.\n",
    "start_sec": 'speaker,start_sec,end_sec,text\nAnn,0.5,2,"Hello, I am glad."\nBen,2.1,4,Thanks a lot.\n',
    "a line break in quotes": 'who,from,to,said\nAnn,0.5,2,"Hello,\nI am glad."\nBen,2.1,4,Thanks a lot.\n',
}


def rows(transcript):
    return [
        (cue.speaker, cue.start and round(cue.start, 3), cue.end and round(cue.end, 3), cue.text)
        for cue in transcript.cues
    ]


@pytest.mark.parametrize("kind", HEADS)
def test_columns_are_known_by_their_names(tmp_path: Path, kind):
    (tmp_path / "talk").write_text(HEADS[kind], encoding="utf-8")
    found = read_transcript(tmp_path / "talk")
    assert rows(found) == WANTED
    assert found.notes == ()


@pytest.mark.parametrize("kind", NO_HEAD)
def test_columns_without_names_are_known_by_what_stands_in_them_and_that_is_told(tmp_path: Path, kind):
    (tmp_path / "talk").write_text(NO_HEAD[kind], encoding="utf-8")
    found = read_transcript(tmp_path / "talk")
    assert rows(found) == WANTED
    assert any("judged by what stands in them" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "speakers"),
    [("0:01\tAnn: Hi.\n0:03\tBen: Ho.\n", ["Ann", "Ben"]), ("0:01\tOne thing: go.\n0:03\tGo.\n", ["speaker"] * 2)],
)
def test_names_before_every_text_are_speakers(tmp_path: Path, text, speakers):
    (tmp_path / "talk.txt").write_text(text)
    assert [cue.speaker for cue in read_transcript(tmp_path / "talk.txt").cues] == speakers


def test_labels_of_times_and_text_alone_are_a_table(tmp_path: Path):
    (tmp_path / "talk.txt").write_text("0.5\tHello, I am glad.\n2.1\tThanks a lot.\n")
    found = read_transcript(tmp_path / "talk.txt")
    assert rows(found) == [("speaker", 0.5, 2.1, "Hello, I am glad."), ("speaker", 2.1, None, "Thanks a lot.")]


@pytest.mark.parametrize(
    "text",
    [
        "wer,was\nAnn,Hello there my friend.\nBen,Thanks a lot.\nAnn,Oh.\n",
        "Ann,Hello there my friend.\nBen,Thanks a lot.\nAnn,Oh.\n",
        "kto\tco\nAnn\tHello there my friend.\nBen\tThanks a lot.\nAnn\tOh.\n",
    ],
)
def test_names_in_a_language_that_is_not_known_are_no_utterance(text):
    found = parse_csv(text, "a.csv")
    assert [(cue.speaker, cue.text) for cue in found.cues] == [
        ("Ann", "Hello there my friend."),
        ("Ben", "Thanks a lot."),
        ("Ann", "Oh."),
    ]


def test_whole_milliseconds_of_whisper_are_no_seconds():
    found = parse_csv("start\tend\ttext\n0\t1520\tWell, that was it.\n1520\t3900\tSo we left.\n", "a.tsv")
    assert [(cue.start, cue.end) for cue in found.cues] == [(0, 1.52), (1.52, 3.9)]
    assert "read as milliseconds" in found.notes[0]


def test_a_column_for_each_speaker_is_what_they_say():
    head = "Begin Time - ss.msec\tEnd Time - ss.msec\tAnn\tBen\n"
    found = parse_csv(head + "0.5\t2.0\tHello, I am glad.\t\n2.1\t4.0\t\tThanks a lot.\n", "a.txt")
    assert rows(found) == WANTED
    assert found.notes == ("Every speaker has a column of their own: Ann, Ben.",)


def test_a_first_row_of_speech_is_no_head():
    found = parse_csv("Ann,So it is, you see.\nBen,Yes I do.\n", "a.csv")
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("Ann", "So it is, you see."), ("Ben", "Yes I do.")]


def test_names_of_files_are_no_speakers():
    found = parse_csv("a.wav\t0.5\t2.0\tHello there\na.wav\t2.1\t4.0\tThanks\n", "a.tsv")
    assert {cue.speaker for cue in found.cues} == {"speaker"}
    assert "Columns not used: column 1." in found.notes


def test_columns_that_are_not_used_are_named_but_for_numbers_of_rows():
    found = parse_csv("index,text,speaker,mood,room\n0,Hi.,Ann,glad,3\n", "a.csv")
    assert found.notes == ("Columns not used: mood, room.",)


def test_a_sentence_with_commas_and_no_quotes_keeps_its_end():
    found = parse_csv("speaker,text\nAnn,Hello, Ben, you.\nBen,Hi.,\n", "a.csv")
    assert [cue.text for cue in found.cues] == ["Hello, Ben, you.", "Hi."]
    assert "line 2" in found.notes[0]


def test_labels_of_a_model_are_not_taken_for_those_of_the_conversation():
    found = parse_csv("speaker,text,label,confidence,p_joy,p_anger\nAnn,Hi.,joy,0.9,0.9,0.1\n", "a.csv")
    assert found.cues[0].label is None
    assert "a model's" in found.notes[0]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["Dialogue", "Speaker", "Start"], {"text": "Dialogue", "speaker": "Speaker", "start": "Start"}),
        (["Utterance", "Dialogue"], {"text": "Utterance", "conversation": "Dialogue"}),
        (["onset", "offset"], {"start": "onset", "end": "offset"}),
        (["offset", "duration"], {"start": "offset", "duration": "duration"}),
    ],
)
def test_a_name_means_what_it_means_beside_the_others(names, columns):
    assert columns_of(names) == columns


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3\n4,5,6\n", "name,start\nAnn,1\nBen,2\n", "1.5,2\n3,4\n"])
def test_a_table_of_numbers_holds_nothing_that_was_said(text):
    with pytest.raises(DataError, match="should have a column with what was said"):
        parse_csv(text, "a.csv")


def test_lines_with_commas_are_no_table(tmp_path: Path):
    (tmp_path / "talk.txt").write_text("Ann: Well, yes, I came, saw, and won.\nBen: One, two, 3, go.\n")
    assert [cue.speaker for cue in read_transcript(tmp_path / "talk.txt").cues] == ["Ann", "Ben"]
