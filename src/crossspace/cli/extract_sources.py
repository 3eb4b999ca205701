"""What ``crossspace extract`` reads, and by which extractors."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser, anywhere
from crossspace.cli.sound_options import add_sound, check_sound
from crossspace.cli.transcribing import add_transcribing, add_turns
from crossspace.errors import UsageError
from crossspace.stores import place

if TYPE_CHECKING:
    from crossspace.features.sources import Recording


def add_sources(parser: Parser) -> None:
    """Add the options of what is read, where to, and by which extractors."""
    parser.add_argument(
        "source",
        type=anywhere,
        help="recording, transcript, manifest, table of dialogues, or a folder of recordings or of such tables",
    )
    parser.add_argument("target", type=anywhere, help="corpus file to write (.parquet)")
    parser.add_argument("--transcript", type=anywhere, help="transcript of the recording, in any format that is read")
    add_turns(parser)
    parser.add_argument(
        "--clips", type=anywhere, help="folder with the clips dia<d>_utt<u>.mp4 of a table of dialogues"
    )
    add_sound(parser)
    for modality in ("text", "audio", "visual"):
        parser.add_argument(f"--{modality}", metavar="NAME", help=f"extractor of {modality}, or none")
    # --speakers is another thing here: which speakers the whole corpus knows.
    add_transcribing(parser, speakers="--voices")


def sources(options: argparse.Namespace) -> list[Recording]:
    """What SOURCE names; the files of a folder that are not used are told.

    Raises:
        DataError: there is nothing of the kind.
        UsageError: options do not go with what there is.
    """
    from crossspace.features.sources import find_recordings

    notes: list[str] = []
    recordings = find_recordings(
        place(options.source),
        place(options.transcript) if options.transcript else None,
        place(options.clips) if options.clips else None,
        notes,
    )
    for note in notes:
        print(note, file=sys.stderr)
    return _with_turns(options, _with_sound(options, recordings))


def _with_sound(options: argparse.Namespace, recordings: list[Recording]) -> list[Recording]:
    """The recordings with the track and channels of the options, where a manifest does not give their own."""
    check_sound(options, any(recording.has_media for recording in recordings))
    if options.channels is not None and any(recording.clips is not None for recording in recordings):
        raise UsageError("--channels goes with recordings of whole conversations. SOURCE has clips of utterances.")
    return [
        replace(
            recording,
            track=recording.track or options.track,
            channels=recording.channels or (options.channels if recording.media is not None else None),
        )
        if recording.has_media
        else recording
        for recording in recordings
    ]


def _with_turns(options: argparse.Namespace, recordings: list[Recording]) -> list[Recording]:
    """The recordings, the only one with the speakers of its turns."""
    if options.turns is None:
        return recordings
    from crossspace.analysis.inputs import inputs_of
    from crossspace.transcripts import Transcript

    (one, *others) = recordings
    if others or one.transcript is None or isinstance(one.transcript, Transcript):
        raise UsageError("--turns goes with the transcript of one conversation. Give both, or leave --turns out.")
    _, transcript = inputs_of(options.source, options.transcript, turns=options.turns)
    return [replace(one, transcript=transcript)]


def extractors_of(options: argparse.Namespace, media: bool) -> dict[str, str]:
    """``{modality: extractor}``, by default for every modality that the source has."""
    from crossspace.features.extractors import DEFAULTS

    extractors = {}
    for modality, default in DEFAULTS.items():
        name = getattr(options, modality)
        if name is None:
            # Asked for by nobody, so left out without a word where there is nothing to hear or see.
            name = default if modality == "text" or media else "none"
        # Text needs no recording: a transcript is enough.
        if name != "none" and modality != "text" and not media:
            raise UsageError(
                f"--{modality} needs a recording, and SOURCE names none. Give --clips, a recording, or none."
            )
        if name != "none":
            extractors[modality] = name
    if not extractors:
        raise UsageError("At least one of --text, --audio and --visual should be more than 'none'.")
    return extractors
