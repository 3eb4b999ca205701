from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.chat_words import words_in
from crossspace.transcripts.formats.chat import parse_chat

TALK = (
    "@UTF8\n@PID:\t11312/a\n@Begin\n@Languages:\teng\n"
    "@Participants:\tCHI Ross_Lee Target_Child, MOT Mother, FAT Ross_Lee Father,\n\tINV Kim Investigator\n"
    "@Media:\ttalk, audio\n"
    "*MOT:\tdo you want <the red> [//] the blue one ? \x15500_2000\x15\n%mor:\taux|do pro|you\n\tv|want\n"
    "*CHI:\tno [!] &=cries !\n\tgo (a)way . \x152100_3000\x15 \x153000_4250\x15\n"
    '@Comment:\tnot said\n*INV:\txxx . \x15%snd:"talk"_4300_4400\x15\n*MOT:\t0 .\n@End\n'
)


@pytest.mark.parametrize("name", ["talk.cha", "talk.txt", "talk"])
def test_main_lines_are_utterances_and_tiers_below_them_are_not(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TALK, encoding="utf-8")
    found = read_transcript(tmp_path / name)
    assert [(cue.speaker, cue.start, cue.end, cue.text) for cue in found.cues] == [
        ("MOT", 0.5, 2.0, "do you want the red the blue one?"),
        ("CHI", 2.1, 4.25, "no! go away."),
        ("Kim", 4.3, 4.4, None),
    ]
    assert found.notes == ("1 of 4 entries have no text; left out (line 15).",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("I want [/] want it .", "I want want it."),
        ("<I want> [//] I need (.) that (1.5) now .", "I want I need that now."),
        ("&-uh well &+fr friend &~gaga yes .", "uh well friend yes."),
        ("&=laughs &*MOT:mhm okay .", "okay."),
        ("(be)cause it's go:ne@c [: gone] [* m] .", "because it's gone."),
        ("0is he here +/?", "he here?"),
        ("and then +...", "and then..."),
        ('+" come in +"/.', "come in."),
        ("+< he went +//.", "he went"),
        ("Mommy \u2021 look at Thomas_Edison \u201e right ?", "Mommy, look at Thomas Edison, right?"),
        ("hola@s:spa , ice+cream # #2 yes !", "hola, ice-cream yes!"),
        ("well xxx you [=! whispers] [<] .", "well you."),
        ("in 1984 007 came .", "in 1984 007 came."),
        ("&=laughs .", ""),
        ("0 [=! crying] .", ""),
        ("xxx yyy .", None),
    ],
)
def test_codes_are_no_words(line: str, said: str | None) -> None:
    assert words_in(line) == said


def test_without_bullets_and_names_times_are_unknown_and_codes_are_the_names() -> None:
    found = parse_chat("@Begin\n*A:\thi .\n*B:\tho .\n@End\n", "a.cha")
    assert [(cue.speaker, cue.start, cue.text) for cue in found.cues] == [("A", None, "hi."), ("B", None, "ho.")]


def test_bullets_that_run_backwards_are_noted_and_the_words_kept() -> None:
    found = parse_chat("@Begin\n*A:\thi . \x152000_1000\x15\n", "a.cha")
    assert [(cue.start, cue.text) for cue in found.cues] == [(None, "hi.")] and "impossible" in found.notes[0]


def test_lines_that_are_no_part_of_chat_are_named() -> None:
    found = parse_chat("@Begin\n*A:\thi .\nho there\n*B:\tyes .\n", "a.cha")
    assert found.notes == ("1 lines are no part of CHAT; left out (line 3).",)


@pytest.mark.parametrize("text", ["@Begin\nAnn: hello\n", "@Begin\n@End\n", "@Begin\n*CHI:\t0 .\n"])
def test_a_file_without_main_lines_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DataError, match=r"^a\.txt should"):
        read_transcript(tmp_path / "a.txt")
