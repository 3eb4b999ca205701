"""``crossspace analyze``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser, anywhere, spare
from crossspace.cli.parsing import words as words_of
from crossspace.cli.sound_options import add_sound, check_sound
from crossspace.cli.transcribing import add_transcribing, add_turns, transcribing_of
from crossspace.errors import UsageError
from crossspace.runtime import write_bytes
from crossspace.stores import place

if TYPE_CHECKING:
    from crossspace.analysis.analysis import Analysis
    from crossspace.analysis.analyzer import Analyzer
    from crossspace.features.speech.transcribing import Transcribing

_ABOUT = """From a recording or a transcript to a timeline of emotions.

SOURCE is a recording (any container; give its transcript by --transcript) or a transcript: captions, a table, JSON of
a recogniser, an annotation, a document, or lines 'NAME: what they say'. A recording without a transcript is
transcribed by --transcribe whisper:FOLDER. Without --model the model in the box is used, which reads text only.
--out may be given several times; the ending says the format: .json, .csv, .html (a page that needs nothing else),
.parquet, captions in .vtt (emotion as cue class) and .srt, annotations in .eaf (ELAN) and .TextGrid (Praat), .rttm
(who speaks when), one page in .pdf or .png. Without --out a table is printed.
Of a folder every conversation is analyzed, a recording with the transcript beside it or a transcript alone, and written
into the folder --out."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    ending = "The ending of --out says the format: --out FILE.csv, .json, .html, .parquet, .vtt, .srt, "
    ending += ".eaf, .TextGrid, .rttm, .pdf or .png."
    parser = Parser(
        prog="crossspace analyze",
        description=_ABOUT,
        imports=True,
        instead={"--voices": "It is called --speakers here.", "--format": ending, "-f": ending, "--output": ending},
    )
    parser.add_argument("source", type=anywhere, help="recording or transcript, or a folder of them")
    parser.add_argument("--transcript", type=anywhere, help="transcript of the recording")
    add_turns(parser)
    add_sound(parser)
    parser.add_argument(
        "--model", metavar="RUN", help="run folder, folder of a seed or of an exported model, or name on a hub"
    )
    parser.add_argument(
        "--out", type=anywhere, action="append", default=[], metavar="FILE", help="file to write; may be repeated"
    )
    parser.add_argument(
        "--as",
        dest="formats",
        type=words_of,
        metavar="FORMATS",
        help="of a folder: what is written of each conversation into the folder --out (default: csv,html)",
    )
    parser.add_argument(
        "--labels", action="store_true", help="write emotion and confidence into captions, for all to see"
    )
    for modality in ("text", "audio", "visual"):
        parser.add_argument(
            f"--{modality}", metavar="NAME", help=f"where the {modality} extractor of the model is found"
        )
    add_transcribing(parser)
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Analyze."""
    options = parsers()[""].parse_all(words)
    from crossspace.analysis.inputs import extracted, inputs_of

    transcribing = transcribing_of(options)
    if place(options.source).is_dir():
        from crossspace.cli.analyze_folder import analyze_folder

        return analyze_folder(options, transcribing, lambda only: _analyzer(options, only, transcribing))
    if options.formats is not None:
        raise UsageError("--as goes with a folder. Of one conversation the endings of --out say what is written.")
    _check_outputs(options)
    media, transcript = inputs_of(options.source, options.transcript, transcribing, options.turns)
    check_sound(options, media is not None)
    analyzer = _analyzer(options, extracted(media), transcribing)

    from crossspace.analysis.exports import lost_in, render
    from crossspace.cli.analyze_progress import AnalyzeProgress

    with AnalyzeProgress() as progress:
        name = place(options.source).stem
        analysis = analyzer.analyze(
            media,
            transcript,
            conversation_id=name,
            progress=progress.show,
            track=options.track,
            channels=options.channels,
        )
    # All formats before the first file: one of them may be refused, as WebVTT is where nothing has times.
    rendered = [(path, render(analysis, path, labels=options.labels)) for path in options.out]
    for path, content in rendered:
        write_bytes(path, content)
        print(path)
    if not rendered:
        _print(analysis)
    for note in (*analysis.notes, *dict.fromkeys(note for path, _ in rendered for note in lost_in(analysis, path))):
        print(f"Note: {note}", file=sys.stderr)
    return 0


def _check_outputs(options: argparse.Namespace) -> None:
    from crossspace.analysis.exports import ending_of

    for path in options.out:
        ending_of(path)
        spare(path, options.source, options.transcript, options.turns)


def _analyzer(options: argparse.Namespace, only: Sequence[str] | None, transcribing: Transcribing | None) -> Analyzer:
    from crossspace.analysis.analyzer import Analyzer
    from crossspace.features.extraction.cache import FeatureCache

    extractors = {m: getattr(options, m) for m in ("text", "audio", "visual") if getattr(options, m)}
    analyzer = Analyzer.load(options.model, extractors, only=only, cache=FeatureCache(), transcribing=transcribing)
    name = "" if analyzer.in_the_box else analyzer.predictor.name
    where = "; its card: crossspace card" if analyzer.in_the_box else ""
    where = where or ("" if name == analyzer.name else f" ({name})")
    print(f"Model: {analyzer.name}{where}", file=sys.stderr)
    return analyzer


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
        # Minutes and seconds, as a player of the recording shows them.
        time = "" if u.start is None else f"{int(u.start) // 60}:{u.start % 60:04.1f}"
        # As Text: what somebody said may look like markup.
        table.add_row(
            time, Text(u.speaker), Text(analysis.said(u)), f"{u.confidence:.2f}", Text(u.text or "(no transcript)")
        )
    Console().print(table)
