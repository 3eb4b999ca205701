"""The options that say what is heard of a recording, of all commands that take one."""

from __future__ import annotations

import argparse

from crossspace.cli.parsing import Parser
from crossspace.errors import UsageError


def add_sound(parser: Parser) -> None:
    """Which audio track is heard, and whose voice each channel holds."""
    parser.add_argument(
        "--track",
        type=_track,
        metavar="N",
        help="audio track that is heard, from 1 (default: the one in which most is said)",
    )
    parser.add_argument(
        "--channels",
        type=_channels,
        metavar="NAMES",
        help="the speaker of each channel, where each has one: A,B; or 'speakers' where their names are not known "
        "(default: all channels together)",
    )


def check_sound(options: argparse.Namespace, media: bool) -> None:
    """Raise :class:`UsageError` where there is nothing to hear that one could choose."""
    chosen = [f"--{name}" for name in ("track", "channels") if getattr(options, name) is not None]
    if chosen and not media:
        raise UsageError(
            f"{', '.join(chosen)}: SOURCE names no recording to hear. Leave it out, or give the recording."
        )


# Imported where they are used: the help of a command needs none of it.
def _track(text: str) -> int:
    from crossspace.features.sources.recording import track_of

    return track_of(text)


def _channels(text: str) -> str | tuple[str, ...]:
    from crossspace.features.sources.recording import channels_of

    return channels_of(text)
