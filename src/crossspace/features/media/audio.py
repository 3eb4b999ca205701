"""The sound of the utterances of a recording, heard in one pass from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossspace.features.extractors.base import RATE
from crossspace.features.media.container import Faults
from crossspace.features.media.samples import Piece, pieces
from crossspace.features.media.tracks import Media

LONGEST = 300.0
"""Seconds. Of a longer utterance only the beginning is heard and seen, so one span of hours cannot fill the memory."""


@dataclass
class _OpenSpan:
    index: int
    start: int
    stop: int
    channel: int | None = None
    parts: list[Piece] = field(default_factory=list)

    def take(self, piece: Piece) -> None:
        first, last = max(self.start - piece.at, 0), min(self.stop - piece.at, len(piece.samples))
        if last > first:
            samples = piece.samples[first:last]
            # A copy of the one channel: a view would keep all of them in memory.
            samples = samples if self.channel is None else samples[:, self.channel].copy()
            self.parts.append(Piece(piece.at + first, samples))

    def samples(self) -> np.ndarray | None:
        """From the start to the last sample there is; gaps are silent."""
        if not self.parts:
            return None
        last = self.parts[-1]
        # Laid onto zeros by their places: two pieces may have a gap between them.
        whole = np.zeros(last.at + len(last.samples) - self.start, dtype=np.float32)
        for part in self.parts:
            whole[part.at - self.start : part.at - self.start + len(part.samples)] = part.samples
        return whole


def read_audio(
    media: Media,
    spans: Sequence[tuple[float, float]],
    rate: int = RATE,
    notes: list[str] | None = None,
    channels: Sequence[int] | None = None,
) -> Iterator[tuple[int, np.ndarray | None]]:
    """``(index, samples)`` for every ``(start, end)`` in seconds, each once, as soon as it is heard to its end.

    Spans may overlap, come in any order and lie beyond the end. The samples ``(T,)`` are mono float32 in [-1, 1]; the
    first is the one at ``start``. They end at ``end``, or where the sound ends, or after :data:`LONGEST` seconds. Gaps
    of the recording inside a span are silent. ``None`` stands where the recording has no sound in the span at all.

    One pass over the file; the memory holds what the spans that are open at the same time need.

    Args:
        media: the recording.
        spans: in seconds from its beginning.
        rate: samples per second.
        notes: takes a sentence on damaged parts, if there are any.
        channels: the channel of each span, from 0, where each has one of its own.

    Raises:
        DataError: the file has gone since it was opened.
    """
    waiting = [_span(index, start, end, rate) for index, (start, end) in enumerate(spans)]
    if channels is not None:
        for span in waiting:
            span.channel = channels[span.index]
    # From the last to the first, so that the next span to begin is popped off the end.
    waiting.sort(key=lambda span: span.start, reverse=True)
    running: list[_OpenSpan] = []
    faults = Faults()
    for piece in pieces(media, rate, faults, apart=channels is not None) if waiting else ():
        end = piece.at + len(piece.samples)
        while waiting and waiting[-1].start < end:
            running.append(waiting.pop())
        for span in running:
            span.take(piece)
        # A list of its own: spans leave `running` in the loop.
        for span in [span for span in running if span.stop <= end]:
            running.remove(span)
            yield span.index, span.samples()
        if not running and not waiting:
            break
    for span in running + waiting[::-1]:
        yield span.index, span.samples()
    faults.report(media.path, "audio", notes)


def audio_blocks(
    media: Media, seconds: float = 30.0, rate: int = RATE, notes: list[str] | None = None, apart: bool = False
) -> Iterator[np.ndarray]:
    """The whole sound in blocks ``(T,)`` of ``seconds``, from second 0 on without a hole; the last one may be shorter.

    Gaps are silent. A recording without sound has no blocks.

    Args:
        media: the recording.
        seconds: length of a block.
        rate: samples per second.
        notes: takes a sentence on damaged parts, if there are any.
        apart: give the channels apart: blocks ``(T, C)``.
    """
    length = max(1, round(seconds * rate))
    shape = (length, media.audio.channels) if apart and media.audio is not None else (length,)
    block, begin, filled = np.zeros(shape, dtype=np.float32), 0, 0
    faults = Faults()
    for piece in pieces(media, rate, faults, apart):
        at, samples = piece.at, piece.samples
        while len(samples):
            # Not positive where a gap leads beyond the block: what is left of it stays silent.
            room = begin + length - at
            if room <= 0:
                yield block
                block, begin, filled = np.zeros(shape, dtype=np.float32), begin + length, 0
                continue
            block[at - begin : at - begin + len(samples[:room])] = samples[:room]
            filled = at - begin + len(samples[:room])
            at, samples = at + len(samples[:room]), samples[room:]
    if filled:
        yield block[:filled]
    faults.report(media.path, "audio", notes)


def _span(index: int, start: float, end: float, rate: int) -> _OpenSpan:
    start = max(start, 0.0)
    return _OpenSpan(index, round(start * rate), round(min(end, start + LONGEST) * rate))
