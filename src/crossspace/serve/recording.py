"""Look at an uploaded recording before anything works on it: is it one, how long is it, how large are its pictures."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from crossspace.errors import DataError
from crossspace.features.media.container import opened
from crossspace.runtime import optional_import
from crossspace.serve.refusal import Refusal

MAX_PIXELS = 8192 * 4320
"""Of one picture: a small file can claim pictures that fill the memory."""


def check_recording(path: Path, max_duration: float) -> None:
    """Refuse what is no recording or too much of one, without decoding it.

    What a file says of its length is believed only where it is too much; the times of its packets decide.

    Raises:
        Refusal: 415, it is no recording; 413, it is too long or its pictures are too large.
        MissingExtraError: PyAV is not installed.
    """
    av = optional_import("av", "media")
    try:
        with opened(path) as container:
            streams = [s for s in container.streams if s.type in ("audio", "video")]
            if not streams:
                raise Refusal(415, "The recording should have sound or pictures. Found neither.")
            _check_pictures(streams)
            if (container.duration or 0) / av.time_base > max_duration:
                raise _too_long(max_duration)
            # Damage on the way is for the analysis to deal with; what could be read so far is not too long.
            with suppress(av.FFmpegError):
                _check_packets(container, streams, max_duration)
    except DataError as error:
        raise Refusal(
            415, "The recording should be audio or video in a common container. Found something else, or a broken file."
        ) from error


def _check_pictures(streams: list[Any]) -> None:
    for stream in streams:
        if stream.type == "video" and stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
            raise Refusal(413, f"Pictures may have {MAX_PIXELS / 1e6:.0f} million pixels. Send a smaller recording.")


def _check_packets(container: Any, streams: list[Any], max_duration: float) -> None:
    """Times may start anywhere, as in broadcasts, or stand still; so the lengths of packets are added up, too."""
    first: dict[int, int] = {}
    length: dict[int, int] = {}
    longest = {s.index: max_duration / s.time_base for s in streams}
    for packet in container.demux(streams):
        # Some containers give only the time of decoding.
        index, time = packet.stream.index, packet.pts if packet.pts is not None else packet.dts
        length[index] = length.get(index, 0) + (packet.duration or 0)
        if time is not None:
            first[index] = min(time, first.get(index, time))
            if time - first[index] > longest[index]:
                raise _too_long(max_duration)
        # A tenth more: durations of packets are rounded, and errors add up.
        if length[index] > 1.1 * longest[index]:
            raise _too_long(max_duration)


def _too_long(limit: float) -> Refusal:
    return Refusal(413, f"A recording may last {limit / 60:g} minutes here. Send a shorter one, or a part of it.")
