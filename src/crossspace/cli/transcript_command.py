"""``crossspace transcript``: what was understood of a transcript, and the same in another format."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser, do_action, local, spare
from crossspace.cli.transcribing import add_turns
from crossspace.runtime import write_text
from crossspace.transcripts.clock import written

if TYPE_CHECKING:
    from crossspace.transcripts.transcript import Cue, Transcript

ACTIONS = {
    "show": "print what was understood of a transcript: format, speakers, times, words, and what was left out",
    "convert": "write a transcript in another format",
}


def run(words: Sequence[str]) -> int:
    """Do the action."""
    return do_action("transcript", ACTIONS, {"show": _show, "convert": _convert}, words)


def _show(words: list[str]) -> int:
    options = parsers()["show"].parse_all(words)
    _print(_read(options), Path(options.file).name)
    return 0


def _convert(words: list[str]) -> int:
    options = parsers()["convert"].parse_all(words)

    from crossspace.transcripts.writers import ending_of, written_as

    ending_of(options.target)
    spare(options.target, options.file, options.turns)
    transcript = _read(options)
    text, lost = written_as(transcript, options.target, Path(options.file).stem)
    write_text(options.target, text)
    print(options.target)
    for line in _about(transcript, Path(options.file).name):
        print(line, file=sys.stderr)
    for note in (*transcript.notes, *lost):
        print(f"Note: {note}", file=sys.stderr)
    return 0


def _read(options: argparse.Namespace) -> Transcript:
    from crossspace.transcripts import read_transcript
    from crossspace.transcripts.turns import joined

    transcript = read_transcript(options.file)
    return joined(transcript, read_transcript(options.turns)) if options.turns else transcript


def parsers() -> dict[str, Parser]:
    """The parsers of the actions."""
    show = Parser(
        prog="crossspace transcript show",
        description="Print what was understood of a transcript of any format, before anything is done with it.",
    )
    ending = "The ending of TARGET says the format: FILE.vtt, .srt, .eaf, .TextGrid, .rttm, .csv, .json or .txt."
    convert = Parser(
        prog="crossspace transcript convert",
        description="Write a transcript of any format that is read in another: captions in .vtt and .srt, annotations "
        "in .eaf (ELAN) and .TextGrid (Praat), .rttm (who speaks when), .csv, .json or .txt. What the format has no "
        "place for is said.",
        instead={"--format": ending, "-f": ending, "--to": ending, "--out": ending},
    )
    for parser in (show, convert):
        parser.add_argument("file", type=local, help="transcript")
        add_turns(parser)
    convert.add_argument("target", type=local, help="file to write; its ending says the format")
    return {"show": show, "convert": convert}


def _print(transcript: Transcript, name: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for line in _about(transcript, name):
        console.print(Text(line), soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("start", "end"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("speaker")
    table.add_column("text", ratio=1)
    for cue in transcript.cues:
        # As Text: what somebody said may look like markup.
        said = Text("(not known)" if cue.text is None else cue.text)
        table.add_row(_time(cue.start), _time(cue.end), Text(cue.speaker), said)
    console.print(table)
    for note in transcript.notes:
        console.print(Text(f"Note: {note}"), soft_wrap=True)


def _about(transcript: Transcript, name: str) -> list[str]:
    times = [t for cue in transcript.cues for t in (cue.start, cue.end) if t is not None]
    spoken = Counter(cue.speaker for cue in transcript.cues)
    count = len(transcript.cues)
    about = [
        f"{name}: {transcript.format}, {count} utterance{'s' * (count != 1)}, "
        + (f"from {_time(min(times))} to {_time(max(times))}" if times else "without times"),
        "speakers: " + ", ".join(f"{speaker} ({times})" for speaker, times in spoken.items()),
    ]
    if transcript.sounds:
        about.append("sounds and songs, apart from speech: " + ", ".join(map(_sound, transcript.sounds)))
    return about


def _sound(cue: Cue) -> str:
    return f"{cue.text} at {_time(cue.start)}" if cue.start is not None else str(cue.text)


def _time(seconds: float | None) -> str:
    return "" if seconds is None else written(seconds)
