"""Reading takes time in proportion to the size of a file and memory within bounds, whatever somebody wrote into it."""

from __future__ import annotations

import random
import re
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.features.sources import find_recordings
from crossspace.transcripts import read_transcript
from crossspace.transcripts.bounds import MOST_CELLS, MOST_ENTRIES, MOST_LINES, MOST_VALUES
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.names import named, names_in
from crossspace.transcripts.sounds import is_sound
from crossspace.transcripts.speakers import plain, said_in

SMALL, TIMES, MOST = 3_000, 4, 8.0
"""Characters, how much larger the second input is, and the ratio of times that is allowed: 4 is linear, 16 is not."""
NOISE = 0.003
"""Seconds of a processor below which a time says nothing."""

CUE = "00:00.000 --> 00:01.000\n"
EAF = "<ANNOTATION_DOCUMENT><TIER TIER_ID='A'>"
TT = "<tt><body>"
GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n'
ASS = "[Events]\nFormat: Start, End, Text\n"
TURN = "[0.1 - 0.2]\ta_F000\tneu\t[2.5]"
HEADS = {
    "a.vtt": ("", "WEBVTT\n\n", f"WEBVTT\n\n{CUE}", f"WEBVTT\n\n{CUE}<v ", f"WEBVTT\n\n{CUE}a\n\n{CUE}a\n"),
    "a.srt": ("", f"1\n{CUE}", f"1\n{CUE}A: "),
    "a.csv": (
        "",
        "text,speaker,start\n",
        'text,speaker,start\n"',
        "text,speaker\na,[",
        "text,start\na,",
        "1.5,2.5,a\n",
    ),
    "a.tsv": ("", "text\tspeaker\n", "A\t1.5\t2.5\tb\n"),
    "a.json": ("", "[", '[{"text":"', '{"utterances":[{"text":"a","speaker":"[', '[{"text":"a","start":"', '{"a":'),
    "a.txt": ("", "A: hi\n", "{", "A: hi\n0:00", "[0:03] A: b\nA ", "A  0:03\nb\nA  0:04\n"),
    "b.txt": ("12.03.24, 18:05 - A: b\n12.03.24, ", "ANN\nb\n\nBEN\n", "Ses01F_i_F000 [1.0-2.0]: a\nSes01F_"),
    "a.eaf": ("<", EAF, f"{EAF}<ANNOTATION_VALUE>", f"{EAF}<T "),
    "a.ttml": (f"{TT}<p>", f"{TT}<p><", f'{TT}<p begin="'),
    "a.TextGrid": (GRID, f'{GRID}0 9 <exists> 1 "IntervalTier" "A" 0 9 1 0 1 "'),
    "a.cha": ("@", "@Begin\n", "@Begin\n*A:\t", "@Begin\n*A:\t\x15"),
    "a.rttm": ("SPEAKER t 1 0 1 ", "SPEAKER t 1 0 1\nSPEAKER "),
    "a.ass": (ASS, f"{ASS}Dialogue: 0:00:00.00,0:00:01.00,", "[Events]\nFormat: "),
    "a.sub": ("{1}{1}25\n{1}{2}", "{"),
    "a.sbv": ("0:00:00.0,0:00:01.0\n", "0:"),
    "a.lrc": ("[00:01.00]", "[ti:", "[ti:a]\n"),
    "evaluation": (f"{TURN}\n", "[0.1 - 0.2]\t"),
    "table.csv": ("Utterance,Dialogue_ID\n", "media,transcript\n", "Utterance,Dialogue_ID,Utterance_ID\na,1,"),
}
ATOMS = (
    *(" ", "\n", " \n", "\t", "\x0b", "\u2028", "\u00a0", "a", "a ", "a\n", "\u00e9", "\ufeff", "0", "-", "- ", ">"),
    *(">>", "> ", "<", "</", "<v", "<v ", "<v.", "<v.a", "<v A>", "<v A>b\n", "<a", "<a ", "<0", "<0:", "{\\", "{"),
    *("&", "&#", "&#1", "&#x1", "&am", "&amp;", "&#99999999;", ":", "A:", "A: ", "A: b\n", " :", "1:", "1.", "0:00"),
    *("0:00 ", "0:00 -->", CUE, f"\n{CUE}A: b\n\n", "\n1\n", "NOTE\n\n", ",", ";", ",,\n", "a,b\n", '"', '""', "'"),
    *("\\", "\\u", "[", "[]", "[[", "{}", '{"a":', '{"text":"a"},', '",{"text":"', "1,", "-1", "1e", "\\ud800"),
    *("(", "]", "}]", "}", "\x15", "\x151_2\x15", "<a>", "<!--", "%a", "*A:\t", "@a\n", "[//]", "(.)", "[00:01.00]"),
    *("SPEAKER t 1 0 1\n", "{1}{2}a\n", "{\\p1}", "|", '0 1 "a"\n', "0:00:00.0,0:00:01.0\n", "!", "<br/>"),
)
WRITTEN = (
    *ATOMS,
    *("->", "\u2192", "\uff1a", "A\uff1a", ", ", "*", "*a", "**", "\u266a", "\u266aa", "[a] "),
    *("[0:03] ", "(0:03", "[0:03", "[1.0-", "A  0:03\n", "0:03 - ", "A\n", "A\n\n", "(a)\n", "INT. ", "TO:\n"),
    *("12.03.24, ", "18:05 ", "6:05 PM\n", "a 6:05 PM\n", "Today at ", "Ses01F_", "Ses01F_i_F000 [1.0-2.0]: a\n"),
    *(
        f"{CUE}a\n\n",
        f"{CUE}a\nb\n\n",
        "Transcribed by a\n",
        "-- >",
        "00: 00",
        "SPEAKER_1",
        "a -> ",
        "18:05:01 From a",
        "Speaker 1\n0:03\nb\n",
        "0:03 A\nb\n",
    ),
)
"""And those that only captions and plain text give a meaning."""


def cost(work: Callable[[], object]) -> float:
    began = time.thread_time()
    with suppress(DataError):
        work()
    return time.thread_time() - began


def is_linear(work: Callable[[str], object], begin: str, atom: str, end: str, small: int = SMALL) -> bool:
    """Whether four times the size takes about four times the work; looked at again before it is denied."""
    texts = [begin + atom * (size // len(atom)) + end for size in (small, small * TIMES)]
    short = large = float("inf")
    for _ in range(4):
        large = min(large, cost(lambda: work(texts[1])))
        if large <= NOISE * TIMES:
            return True
        short = min(short, cost(lambda: work(texts[0])))
        if large <= MOST * max(short, NOISE):
            return True
    return False


def reader(folder: Path, name: str) -> Callable[[str], object]:
    def read(text: str) -> object:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return find_recordings(path) if name == "table.csv" else read_transcript(path)

    return read


@pytest.mark.parametrize("name", HEADS)
def test_work_is_linear_for_every_run_of_signs_in_every_format(tmp_path, name):
    read = reader(tmp_path, name)
    atoms = WRITTEN if name.endswith(("txt", "srt", "vtt")) else ATOMS
    slow = [(begin, atom) for atom in atoms for begin in HEADS[name] if not is_linear(read, begin, atom, "x")]
    assert not slow


@pytest.mark.parametrize("name", HEADS)
def test_work_is_linear_for_signs_that_were_drawn(tmp_path, name):
    read, draw = reader(tmp_path, name), random.Random(name)
    slow = []
    for _ in range(40):
        begin = draw.choice(HEADS[name]) + "".join(draw.choices(WRITTEN, k=2))
        case = (begin, "".join(draw.choices(WRITTEN, k=draw.randint(2, 4))), draw.choice(WRITTEN))
        slow += [] if is_linear(read, *case) else [case]
    assert not slow


def judge(text):
    return names_in([[text], text.split("\n"), ["A: b"]]).split(text)


@pytest.mark.parametrize("work", [plain, named, seconds, judge, is_sound, lambda text: said_in(text.split("\n"))])
def test_work_is_linear_for_each_expression_alone(work):
    assert [atom for atom in WRITTEN for end in ("", "x", ">", ":") if not is_linear(work, "", atom, end)] == []


WORD = '{"word":"ab","start":1.5,"end":2,"speaker":"S"},{"word":"ab","speaker":"T"},'
SIGN = '{"type":"punctuation","alternatives":[{"content":"."}]},'
STRUCTURES = {
    "words of two speakers": ('{"segments":[{"text":"ab ab","words":[', WORD, "{}]}]}"),
    "words alone": ('{"words":[', WORD, "{}]}"),
    "words without anything": ('{"segments":[{"words":[', '{"word":"ab"},', "{}]}]}"),
    "utterances": ('{"utterances":[', '{"start":1,"end":2,"text":"ab"},', "{}]}"),
    "signs": ('{"results":{"items":[', SIGN, "{}]}}"),
    "results": ('{"results":[', '{"alternatives":[{"transcript":"ab","words":[]}]},', '{"alternatives":[]}]}'),
    "monologues": ('{"monologues":[', '{"speaker":1,"elements":[{"value":"a","ts":1}]},', "{}]}"),
    "captions": ("[", '{"text":"a","start":1.5,"duration":9},', '{"text":"a","start":1.5,"duration":9}]'),
    "lists that are no utterances": ('{"a":[', '[{"start":1}],', "[]]}"),
    "objects by line": ("", '{"speaker":"A","text":"b"}\n', '{"speaker":"A","text":"b"}'),
    "rows without a head": ("", "1.5;hello you;x\n", "2.5;a;b\n"),
    "rows with commas": ("", "1.5,2.5,hello you,a,b,c,d,e\n", "2.5,3.5,a\n"),
    "a head of many columns": ("text,start", ",x", "\n" + "a,1\n" * 50),
}


@pytest.mark.parametrize("kind", STRUCTURES)
def test_work_is_linear_in_what_is_well_formed(tmp_path, kind):
    read = reader(tmp_path, "a.csv" if "rows" in kind or "head" in kind else "a.json")
    assert is_linear(read, *STRUCTURES[kind], small=12_000)


def test_a_square_of_work_is_seen():
    assert not is_linear(re.compile(r"\s+:").search, "", " ", "x")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "a\n" * (MOST_LINES + 1), "lines"),
        ("a.txt", "a\u2028" * (MOST_LINES + 1), "lines"),
        ("a.txt", "A: b\n" * (MOST_ENTRIES + 1), "utterances"),
        ("a.vtt", f"WEBVTT\n\n{CUE}" + "<v A>b" * (MOST_ENTRIES + 1), "utterances"),
        ("a.csv", "text\n" + "b\n" * (MOST_ENTRIES + 1), "utterances"),
        ("a.csv", "text,speaker\n" + "," * MOST_CELLS + "\n", "cells"),
        ("a.csv", "text" + "," * MOST_CELLS + "\nb\n", "cells"),
        ("a.json", "[" + "[]," * MOST_VALUES + "[]]", "objects"),
        ("a.json", "[" + '{"text":1},' * MOST_ENTRIES + '{"text":1}]', "utterances"),
        ("a.ttml", f"{TT}" + "<p>b</p>" * (MOST_ENTRIES + 1) + "</body></tt>", "utterances"),
        ("a.cha", "@Begin\n" + "*A:\tb\n" * (MOST_ENTRIES + 1), "utterances"),
        ("a.rttm", "SPEAKER t 1 0 1\n" * (MOST_ENTRIES + 1), "utterances"),
        ("a.ass", ASS + "Dialogue: 0,1,b\n" * (MOST_ENTRIES + 1), "utterances"),
        ("a.ass", ASS + "Dialogue: 0,1," + "\\N" * (MOST_LINES + 1), "lines"),
        ("a.sub", "{1}{1}25\n{1}{2}" + "|" * (MOST_LINES + 1), "lines"),
        ("a.lrc", "[00:01.00]" * (MOST_ENTRIES + 1) + "b", "utterances"),
    ],
)
def test_many_tiny_parts_are_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_transcript(tmp_path / name)


def test_a_long_line_takes_no_more_than_some_times_its_size(tmp_path):
    (tmp_path / "a.txt").write_text("A: " + "word " * 400_000)
    tracemalloc.start()
    read_transcript(tmp_path / "a.txt")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10 * 2_000_003


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "text," + "b" * 140_000 + "\na,b\n"),
        ("a.csv", "b" * 140_000 + "\n"),
        ("a.csv", 'text\n"' + "b" * 140_000 + '"\n'),
        ("table.csv", "Utterance,Dialogue_ID\n" + "b" * 140_000 + ",1\n"),
        ("a.json", "[" * 100_000),
        ("a.json", '[{"text": ' + "1" * 5000 + "}]"),
    ],
)
def test_what_cannot_be_read_is_refused_in_our_words(tmp_path, name, text):
    with pytest.raises(DataError):
        reader(tmp_path, name)(text)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.vtt", f"WEBVTT\n\n{CUE}a &#99999999999; &#{'9' * 5000}; b\n", ("a \ufffd \ufffd b", "speaker")),
        ("a.vtt", f"WEBVTT\n\n{CUE}a &#0000000065; &#xD800; &#x{'F' * 5000}; b\n", ("a A \ufffd \ufffd b", "speaker")),
        ("a.csv", ",text,speaker\n0,hello,ANN\n", ("hello", "ANN")),
        ("a.json", '[{"": 5, "text": "hello"}]', ("hello", "speaker")),
    ],
)
def test_what_can_be_read_is(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    found = read_transcript(tmp_path / name)
    assert [(cue.text, cue.speaker) for cue in found.cues] == [expected]
    "".join((str(found.notes), str(found.cues[0].label))).encode()


def test_half_a_character_is_refused_and_not_guessed(tmp_path):
    (tmp_path / "a.json").write_text('[{"text": "a \\ud800 b", "speaker": "A"}]')
    with pytest.raises(DataError, match=r"a\.json.*half a character"):
        read_transcript(tmp_path / "a.json")
