"""SBV, ASS, MicroDVD, LRC and the evaluations of IEMOCAP: known by their signs, read by value."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import UNKNOWN_SPEAKER, read_transcript

EVENTS = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
HEAD = "[Script Info]\nTitle: Ann: the talk\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n"
EVALUATION = (
    "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    "[7.5712 - 10.4750]\tSes01F_impro01_M000\tfru\t[2.5000, 2.0000, 2.5000]\nC-E2:\tNeutral;\t()\nA-F1:\tval 3;\t()\n\n"
    "[6.2901 - 8.2357]\tSes01F_impro01_F000\txxx\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\n"
)
Rows = list[tuple[str, float | None, float | None, str | None]]

FILES: dict[str, tuple[str, Rows]] = {
    "two speakers.sbv": (
        "0:00:00.500,0:00:02.000\nAnn: Hello,\n5,000 times.\n\n1:00:02.100,1:00:04.000\nBen: Yes.\nAnn: No.\n",
        [
            ("Ann", 0.5, 2, "Hello, 5,000 times."),
            ("Ben", 3602.1, 3604, "Yes."),
            ("Ann", 3602.1, 3604, "No."),
        ],
    ),
    "gap.sbv": (
        "\n0:00:01.000,0:00:02.000\nHello\n\nagain\n\n\n0:00:03.000,0:00:04.000\n2 > 1\n",
        [(UNKNOWN_SPEAKER, 1, 2, "Hello again"), (UNKNOWN_SPEAKER, 3, 4, "2 > 1")],
    ),
    "columns.ass": (
        HEAD + "[Events]\nFormat: Start, End, Actor, Text\n"
        "Dialogue: 0:00:01.00,0:00:02.50,Ann,Well, {\\b1}hi{\\b0}\\Nyou.\n"
        "Comment: 0:00:01.00,0:00:02.50,Ann,hidden\nDialogue: 0:00:00.10,0:00:00.90,,Ben: Ja.\n",
        [("Ben", 0.1, 0.9, "Ja."), ("Ann", 1, 2.5, "Well, hi you.")],
    ),
    "drawing.ass": (
        HEAD + EVENTS + "Dialogue: 0,0:00:01.00,0:00:02.00,D,Ann,0,0,0,,{\\pos(1,2)\\p1}m 0 0 l 1 1{\\p0}Hi\\hthere\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,D,,0,0,0,,{\\p2}m 0 0 l 1 1\n",
        [("Ann", 1, 2, "Hi there")],
    ),
    "old.ssa": (
        "; made by a program\n[Script Info]\n\n[Events]\nFormat: Marked, Start, End, Style, Name, Text\n"
        "Dialogue: Marked=0,1:00:01.00,1:00:02.00,D,Ann,{\\k20}So {\\k30}so\n[Fonts]\nfontname: a.ttf\n",
        [("Ann", 3601, 3602, "So so")],
    ),
    "talk.sub": (
        "{1}{1}25.000\n{25}{50}{y:i}Ben: Hello|there\n{75}{100}/Ann: Hi.\n",
        [("Ben", 1, 2, "Hello there"), ("Ann", 3, 4, "Hi.")],
    ),
    "film.sub": ("{0}{0}23.976\n{23976}{47952}Long.\n", [(UNKNOWN_SPEAKER, 1000, 2000, "Long.")]),
    "open.sub": (
        "{DEFAULT}{f:Arial}\n{1}{1}50\n{50}{}One\n{100}{150}Two\n",
        [(UNKNOWN_SPEAKER, 1, 2, "One"), (UNKNOWN_SPEAKER, 2, 3, "Two")],
    ),
    "song.lrc": (
        "[ti:Song]\n[ar:Ann]\n[00:12.30]First <00:12.50>words\n[00:15.00]\n[01:20.5]Last\n",
        [(UNKNOWN_SPEAKER, 12.3, 15, "First words"), (UNKNOWN_SPEAKER, 80.5, None, "Last")],
    ),
    "twice.lrc": (
        "[offset:+500]\n[00:01.00][00:03.00]Again\n[00:02.00]Once\n",
        [(UNKNOWN_SPEAKER, 0.5, 1.5, "Again"), (UNKNOWN_SPEAKER, 1.5, 2.5, "Once"),
         (UNKNOWN_SPEAKER, 2.5, None, "Again")],
    ),
    "named.lrc": (
        "[00:01.00]Ann: Hello.\n[00:02.25]Ben: Hi.\n",
        [("Ann", 1, 2.25, "Hello."), ("Ben", 2.25, None, "Hi.")],
    ),
    "Ses01F_impro01.txt": (EVALUATION, [("F", 6.2901, 8.2357, None), ("M", 7.5712, 10.475, None)]),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", [None, "upload", "talk.txt"])
def test_each_is_known_by_its_sign_whatever_its_name(tmp_path: Path, file: str, name: str | None) -> None:
    text, expected = FILES[file]
    path = tmp_path / (name or file)
    path.write_text(text, encoding="utf-8")
    found = [(cue.speaker, cue.start, cue.end, cue.text) for cue in read_transcript(path).cues]
    assert found == [
        (who, pytest.approx(start), end and pytest.approx(end), said) for who, start, end, said in expected
    ]


def test_an_evaluation_gives_labels_and_ids_and_says_what_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(EVALUATION)
    found = read_transcript(tmp_path / "a.txt")
    assert [(cue.label, cue.id) for cue in found.cues] == [
        ("xxx", "Ses01F_impro01_F000"),
        ("fru", "Ses01F_impro01_M000"),
    ]
    assert found.notes[0].startswith("These are turns without words; ratings of single people")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{25}{50}Hello\n{75}{100}Hi\n", r"counts frames.*Found 'Hello' at line 1. Add that line"),
        ("{1}{1}1000\n{75}{100}Hi\n", "Found '1000'"),
        ("Dialogue: 0,0:00:01.00,0:00:02.00,D,Ann,0,0,0,,Hi\n", "a line 'Format:'"),
        (HEAD + EVENTS.replace("Start, ", "") + "Dialogue: 0,0:00:01.00,D,Ann,0,0,0,,Hi\n", "a line 'Format:'"),
        (HEAD + EVENTS + "Dialogue: 0,0:00:01.00\n", "line 10, should have 10 columns. Found 2"),
        (HEAD + EVENTS, "should hold utterances"),
        ("[ti:Song]\n[00:01.00]\n", "should hold utterances"),
    ],
)
def test_what_lacks_its_times_or_words_is_refused_with_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DataError, match=rf"^a\.txt.*{words}"):
        read_transcript(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (HEAD + EVENTS + "Dialogue: 0,soon,0:00:02.00,D,Ann,0,0,0,,Hi\n", "1 times cannot be read"),
        (HEAD + EVENTS + "Dialogue: 0,0:00:03.00,0:00:02.00,D,Ann,0,0,0,,Hi\n", "impossible times"),
        ("{1}{1}25\n{50}{25}Hi\n", "impossible times"),
        ("{1}{1}25\nwhat?\n{25}{50}Hi\n", "1 lines have no frames; left out (line 2)"),
        ("0:00:03.000,0:00:02.000\nHi\n", "impossible times"),
        ("[ti:Song]\nwhat?\n[00:01.00]Hi\n", "1 lines have no time; left out (line 2)"),
        (EVALUATION + "what?\n", "1 lines are no turns"),
    ],
)
def test_what_is_left_out_or_cannot_be_is_told(tmp_path: Path, text: str, note: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert any(note in own for own in read_transcript(tmp_path / "a.txt").notes)
