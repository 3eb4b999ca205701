"""``crossspace transcript``: what was understood of a transcript."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser, do_action, local
from crossspace.transcripts.clock import written

if TYPE_CHECKING:
    from crossspace.transcripts.transcript import Cue, Transcript

ACTIONS = {"show": "print what was understood of a transcript: format, speakers, times, words, and what was left out"}


def run(words: Sequence[str]) -> int:
    """Do the action."""
    return do_action("transcript", ACTIONS, {"show": _show}, words)


def _show(words: list[str]) -> int:
    options = parsers()["show"].parse_all(words)

    from crossspace.transcripts import read_transcript

    _print(read_transcript(options.file), Path(options.file).name)
    return 0


def parsers() -> dict[str, Parser]:
    """The parser of the action."""
    parser = Parser(
        prog="crossspace transcript show",
        description="Print what was understood of a transcript of any format, before anything is done with it.",
    )
    parser.add_argument("file", type=local, help="transcript")
    return {"show": parser}


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
