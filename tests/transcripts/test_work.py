"""Reading takes time in proportion to the size of a file and memory within bounds, whatever somebody wrote into it."""

from __future__ import annotations

import random
import re
import tracemalloc

import pytest

from benchmarks.linear import ASS, CUE, HEADS, TT, WRITTEN, atoms_of, is_linear, reader
from crossspace.errors import DataError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.bounds import MOST_CELLS, MOST_ENTRIES, MOST_LINES, MOST_VALUES
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.names import named, names_in
from crossspace.transcripts.sounds import is_sound
from crossspace.transcripts.speakers import plain, said_in


@pytest.mark.parametrize("name", HEADS)
def test_work_is_linear_for_runs_of_signs_in_every_format(tmp_path, name):
    """A tenth of them; ``python -m benchmarks.linear`` looks at all."""
    read, draw = reader(tmp_path, name), random.Random(name)
    cases = [(begin, atom) for atom in atoms_of(name) for begin in HEADS[name]]
    assert [case for case in draw.sample(cases, len(cases) // 10) if not is_linear(read, *case, "x")] == []


@pytest.mark.parametrize("name", HEADS)
def test_work_is_linear_for_signs_that_were_drawn(tmp_path, name):
    read, draw = reader(tmp_path, name), random.Random(name)
    slow = []
    for _ in range(12):
        begin = draw.choice(HEADS[name]) + "".join(draw.choices(WRITTEN, k=2))
        case = (begin, "".join(draw.choices(WRITTEN, k=draw.randint(2, 4))), draw.choice(WRITTEN))
        slow += [] if is_linear(read, *case) else [case]
    assert not slow


def judge(text):
    return names_in([[text], text.split("\n"), ["A: b"]]).split(text)


@pytest.mark.parametrize("work", [plain, named, seconds, judge, is_sound, lambda text: said_in(text.split("\n"))])
def test_work_is_linear_for_each_expression_alone(work):
    assert [atom for atom in WRITTEN[::3] for end in ("", "x", ">", ":") if not is_linear(work, "", atom, end)] == []


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
