"""Whether reading a transcript takes time in proportion to its size: ``python -m benchmarks.linear``.

Every sign that a format gives a meaning is repeated behind every beginning of a file of that format, at one size and at
four times that size; four times the work is linear, sixteen times is not. The suite looks at some of these, drawn anew
for each format.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from crossspace.errors import DataError
from crossspace.features.sources import find_recordings
from crossspace.transcripts import read_transcript

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
    """Seconds of this thread; a refusal is an answer."""
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
    """What reads a text as the file ``name``."""

    def read(text: str) -> object:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return find_recordings(path) if name == "table.csv" else read_transcript(path)

    return read


def atoms_of(name: str) -> tuple[str, ...]:
    """The signs that a format may give a meaning."""
    return WRITTEN if name.endswith(("txt", "srt", "vtt")) else ATOMS


def main() -> int:
    """Look at all of them; 1 where the work of any is not linear."""
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, begins in HEADS.items():
            read = reader(Path(folder), name)
            for atom in atoms_of(name):
                for begin in begins:
                    if not is_linear(read, begin, atom, "x"):
                        print(f"{name}: {atom!r} after {begin!r}")
                        slow += 1
            print(f"{name}: {len(begins)} beginnings x {len(atoms_of(name))} signs", flush=True)
    print(f"{slow} are not linear")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
