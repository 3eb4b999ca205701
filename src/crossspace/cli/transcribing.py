"""The options of what recognises words and tells speakers apart, which several commands have."""

from __future__ import annotations

import argparse

from crossspace.cli.parsing import Parser, local
from crossspace.features.speech.transcribing import Transcribing, count_or_auto, transcribing

_RECOGNISER, _ENCODER = "transcribe", "speaker_encoder"


def add_transcribing(parser: Parser, speakers: str = "--speakers") -> None:
    """Add them.

    Args:
        parser: of the command.
        speakers: what the option of how many speakers there are is called.
    """
    parser.add_argument(
        "--transcribe",
        metavar="NAME",
        help="recogniser of the words of recordings without a transcript: whisper:FOLDER",
    )
    parser.add_argument(
        speakers,
        dest="voices",
        type=count_or_auto,
        metavar="N",
        help="with --transcribe: how many speakers are told apart by their voices; auto finds the number "
        "(default: they are not told apart)",
    )
    parser.add_argument(
        "--speaker-encoder",
        metavar="NAME",
        help="by what voices are told apart: ge2e:FILE (default: ge2e with the weights of the package resemblyzer)",
    )


def add_turns(parser: Parser) -> None:
    """Add the option of who speaks in a transcript that does not say it."""
    parser.add_argument(
        "--turns",
        type=local,
        metavar="FILE",
        help="who speaks when in the transcript, as diarization writes it (.rttm)",
    )


def transcribing_of(options: argparse.Namespace) -> Transcribing | None:
    """What the options say, which are taken out of them; ``None`` where nothing is to be transcribed.

    Raises:
        UsageError: they do not go together.
    """
    said = vars(options)
    return transcribing(said.pop(_RECOGNISER), said.pop("voices"), said.pop(_ENCODER))
