"""``crossspace analyze``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser, local, spare
from crossspace.errors import DataError, UsageError
from crossspace.runtime import write_text

if TYPE_CHECKING:
    from crossspace.analysis.analysis import Analysis

_ABOUT = """From a recording or a transcript to a timeline of emotions.

SOURCE is a recording (any container; give its transcript by --transcript) or a transcript (.vtt, .srt, .csv, .json,
or .txt with lines 'NAME: what they say'). Without --model the model in the box is used, which reads text only.
--out may be given several times; the ending says the format: .json, .csv, .vtt (emotion as cue class), .html (a page
that needs nothing else). Without --out a table is printed."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    ending = "The ending of --out says the format: --out FILE.csv, .json, .vtt or .html."
    parser = Parser(
        prog="crossspace analyze",
        description=_ABOUT,
        imports=True,
        instead={"--format": ending, "-f": ending, "--output": ending},
    )
    parser.add_argument("source", type=local, help="recording or transcript")
    parser.add_argument("--transcript", type=local, help="transcript of the recording")
    parser.add_argument("--model", metavar="RUN", help="run folder, folder of a seed, or name on a hub")
    parser.add_argument("--out", action="append", default=[], metavar="FILE", help="file to write; may be repeated")
    for modality in ("text", "audio", "visual"):
        parser.add_argument(
            f"--{modality}", metavar="NAME", help=f"where the {modality} extractor of the model is found"
        )
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Analyze."""
    given = parsers()[""].parse_all(words)

    from crossspace.analysis.exports import FORMATS
    from crossspace.features.sources import is_manifest, is_transcript

    wrong = [path for path in given.out if Path(path).suffix.lower() not in FORMATS]
    if wrong:
        raise UsageError(f"--out should end in {', '.join(FORMATS)}. Found {wrong[0]!r}.")
    source = Path(given.source)
    for path in given.out:
        spare(path, source, given.transcript)
    if not source.is_file():
        raise DataError(
            f"{source} should be a recording or a transcript. Found {'a folder' if source.is_dir() else 'nothing'}."
        )
    if is_manifest(source):
        raise UsageError(
            f"{source} is a manifest of recordings, which 'crossspace extract' reads. Give one recording or transcript."
        )
    if is_transcript(source) and given.transcript:
        raise UsageError(f"{source} is a transcript itself. Give the recording as SOURCE, or leave --transcript out.")
    media, transcript = (
        (None, source) if is_transcript(source) else (source, given.transcript and Path(given.transcript))
    )

    from crossspace.analysis.analyzer import Analyzer
    from crossspace.analysis.exports import render
    from crossspace.features.extraction.cache import FeatureCache

    wanted = {m: getattr(given, m) for m in ("text", "audio", "visual") if getattr(given, m)}
    analyzer = Analyzer.load(given.model, wanted, only=("text",) if media is None else None, cache=FeatureCache())
    name = "" if analyzer.in_the_box else analyzer.predictor.name
    print(f"Model: {analyzer.name}" + ("" if name in ("", analyzer.name) else f" ({name})"), file=sys.stderr)
    from crossspace.cli.analyze_progress import AnalyzeProgress

    with AnalyzeProgress() as progress:
        analysis = analyzer.analyze(media, transcript, conversation_id=source.stem, progress=progress.show)
    rendered = [(path, render(analysis, path)) for path in given.out]
    for path, text in rendered:
        write_text(path, text)
        print(path)
    if not rendered:
        _print(analysis)
    for note in analysis.notes:
        print(f"Note: {note}", file=sys.stderr)
    return 0


def _print(analysis: Analysis) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("speaker", no_wrap=True)
    table.add_column("emotion", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("text", ratio=1)
    for u in analysis.utterances:
        time = "" if u.start is None else f"{int(u.start) // 60}:{u.start % 60:04.1f}"
        table.add_row(time, Text(u.speaker), Text(u.label), f"{u.confidence:.2f}", Text(u.text or "(no transcript)"))
    Console().print(table)
