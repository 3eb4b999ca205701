"""Short pieces of the sound of a recording, spread over all of it: enough to judge a track without hearing it whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from crossspace.features.extractors.base import RATE
from crossspace.features.media.container import Faults, decode, opened
from crossspace.features.media.samples import Run
from crossspace.features.media.tracks import AudioTrack, Media
from crossspace.runtime import optional_import

PLACES = 20
"""How many excerpts there are of a track."""

_LARGEST = 1e12
_MOST_PACKETS = 5000
"""Of all tracks, in search of one excerpt: in a file whose tracks follow each other the next may be an hour away."""


def excerpts(media: Media, tracks: Sequence[AudioTrack], seconds: float) -> Iterator[tuple[int, np.ndarray]]:
    """``(index of a stream, samples)`` of up to :data:`PLACES` excerpts of each track, one after the other.

    The samples ``(T, C)`` are the channels, float32 as they are in the file, at
    :data:`~crossspace.features.extractors.base.RATE` per second. Where in the recording they come from is not exact,
    and the same at every call. One excerpt of each track is in memory at a time. What is damaged is left out.

    Args:
        media: the recording.
        tracks: of those in it.
        seconds: of an excerpt.
    """
    with opened(media.path) as container:
        streams = [container.streams[track.index] for track in tracks]
        short = media.duration <= 1.5 * PLACES * seconds
        step = seconds if short else media.duration / PLACES
        reached: set[float] = set()
        for place in range(max(1, round(media.duration / step))):
            # A short recording is heard without a jump: from one excerpt to the next.
            second = None if short else media.origin + place * step + (step - seconds) / 2
            if second is not None and not _jumped(container, second):
                return
            begin, found = _from(container, streams, round(seconds * RATE), second)
            # A file without a table of places jumps to its beginning again and again.
            if not short and begin in reached:
                return
            reached.add(begin)
            yield from found


def _jumped(container: Any, second: float) -> bool:
    av = optional_import("av", "media")
    try:
        container.seek(int(second * av.time_base))
    except (av.FFmpegError, ValueError, OverflowError):
        return False
    return True


def _from(
    container: Any, streams: Sequence[Any], length: int, second: float | None
) -> tuple[float, list[tuple[int, np.ndarray]]]:
    """When the first packet begins that is heard from here, or from ``second``, on, and the excerpt of each track."""
    av = optional_import("av", "media")
    taken = {stream.index: _Excerpt(length) for stream in streams}
    begin: float | None = None
    try:
        for count, packet in enumerate(container.demux(*streams)):
            stamp = packet.pts if packet.pts is not None else packet.dts
            time = None if stamp is None else float(stamp * packet.time_base)
            # Jumps lead to a place before, in Matroska by many seconds.
            early = second is not None and time is not None and time < second and count < _MOST_PACKETS
            if packet.stream_index not in taken or early:
                continue
            begin = time if begin is None else begin
            taken[packet.stream_index].take(packet)
            if count > 2 * _MOST_PACKETS or all(one.is_full for one in taken.values()):
                break
    except (av.FFmpegError, ValueError, LookupError):
        pass  # what was heard before it serves
    heard = [(index, samples) for index, one in taken.items() if len(samples := one.samples())]
    return (0.0 if begin is None else begin), heard


class _Excerpt:
    """The samples of one track from one place on, until there are enough."""

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._run: Run | None = None
        self._kind: tuple[Any, ...] = ()
        self._parts: list[np.ndarray] = []
        self._length = 0

    @property
    def is_full(self) -> bool:
        return self._length >= self._enough

    def take(self, packet: Any) -> None:
        for frame in () if self.is_full else decode(packet, Faults()):
            kind = (frame.sample_rate, frame.layout.name, frame.format.name)
            if self._run is None:
                self._run, self._kind = Run(0, RATE, Faults(), _numbers), kind
            if kind == self._kind:
                self._add(part for _, part in self._run.add(frame))

    def samples(self) -> np.ndarray:
        if self._run is not None and not self.is_full:
            self._add(part for _, part in self._run.flush())
        return np.concatenate(self._parts) if self._parts else np.zeros((0, 1), np.float32)

    def _add(self, parts: Iterator[np.ndarray]) -> None:
        for part in parts:
            self._parts.append(part)
            self._length += len(part)


def _numbers(samples: np.ndarray) -> np.ndarray:
    """Samples whose squares can be added up, whatever damaged floats there are."""
    return np.clip(np.nan_to_num(samples, posinf=1.0, neginf=-1.0), -_LARGEST, _LARGEST).astype(np.float32)
