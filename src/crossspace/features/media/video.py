"""The pictures of the utterances of a recording, seen in one pass from its beginning to its end."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from crossspace.features.media.audio import LONGEST
from crossspace.features.media.container import INDEXED, Faults, decoded, opened
from crossspace.features.media.pose import Pose
from crossspace.features.media.tracks import Media, VideoTrack
from crossspace.runtime import optional_import

MOST_FRAMES = 64
"""Frames seen of one utterance; in a long one they lie further apart."""

LONGEST_SIDE = 640
"""Pixels. Larger pictures are made smaller while they are decoded."""

_SEEK = 10.0
"""Seconds without a wanted frame that are worth a jump in the file."""

_THREADS = 4
"""Each decoding thread holds a few whole pictures: no more than this, however many cores there are."""


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        time: seconds from the beginning of the recording, at which it begins to be shown.
        image: ``(H, W, 3)`` uint8, RGB, upright.
    """

    time: float
    image: np.ndarray


def read_frames(
    media: Media,
    spans: Sequence[tuple[float, float]],
    per_second: float = 5.0,
    most: int = MOST_FRAMES,
    longest_side: int = LONGEST_SIDE,
    notes: list[str] | None = None,
) -> Iterator[tuple[int, list[Frame]]]:
    """``(index, frames)`` for every ``(start, end)`` in seconds, each once, as soon as it is seen to its end.

    Time is cut into equal parts, ``per_second`` of them, or half, a quarter ... as many where a span would have more
    than ``most``; its frames are those on the screen in the middle of each part, by their true times, a frame that
    stays on the screen only once. What a span sees depends on no other. Spans may overlap, come in any order and lie
    beyond the end; without a picture the list is empty. Of spans longer than
    :data:`~crossspace.features.media.audio.LONGEST` the beginning is seen.

    One pass over the file, jumping over long stretches that no span needs. The memory holds the frames of open spans,
    which share them: some four times ``most`` at the worst, however many spans overlap.

    Args:
        media: the recording.
        spans: in seconds from its beginning.
        per_second: frames per second of an utterance.
        most: frames of one utterance.
        longest_side: of a picture, in pixels.
        notes: takes a sentence on damaged parts, if there are any.

    Raises:
        DataError: the file has gone since it was opened.
    """
    wanted = [_moments(start, min(end, media.duration), per_second, most) for start, end in spans]
    moments = sorted((time, index) for index, times in enumerate(wanted) for time in times)
    left = [len(times) for times in wanted]
    yield from ((index, []) for index, times in enumerate(wanted) if not times)
    seen: dict[int, list[Frame]] = {index: [] for index, times in enumerate(wanted) if times}
    faults = Faults()
    for index, frame in _seen(media, moments, longest_side, faults):
        if frame is not None and (not seen[index] or seen[index][-1] is not frame):
            seen[index].append(frame)
        left[index] -= 1
        # Given away as soon as it is complete, so that only open spans hold pictures.
        if not left[index]:
            yield index, seen.pop(index)
    faults.report(media.path, "video", notes)


def _moments(start: float, end: float, per_second: float, most: int) -> list[float]:
    """Those of a grid that lie in a span, or its middle when none does."""
    start = max(start, 0.0)
    end = min(end, start + LONGEST)
    if not start < end:
        return []
    step = 1 / per_second
    offset = step / 2
    while True:
        first, last = ceil((start - offset) / step), ceil((end - offset) / step)
        if last - first <= max(most, 1):
            return [offset + place * step for place in range(first, last)] or [(start + end) / 2]
        # All spans share the grid, of which long ones see every second, fourth ... moment: spans that overlap need the
        # same pictures, and together hardly more of them than one alone.
        step *= 2


def _seen(
    media: Media, moments: list[tuple[float, int]], longest_side: int, faults: Faults
) -> Iterator[tuple[int, Frame | None]]:
    """What is on the screen at each moment, in their order; ``None`` where there is nothing."""
    at = 0
    for start, end, picture in _shown(media, moments, faults) if moments else ():
        frame = None
        while at < len(moments) and moments[at][0] < end:
            time, index = moments[at]
            if time >= start and frame is None:
                frame = Frame(start, _image(picture, media.video, longest_side))
            yield index, frame if time >= start else None
            at += 1
        if at == len(moments):
            return
    for _, index in moments[at:]:
        yield index, None


def _shown(media: Media, moments: list[tuple[float, int]], faults: Faults) -> Iterator[tuple[float, float, Any]]:
    """``(start, end, av frame)``, each shown from its start to that of the next one; the last for its own duration."""
    if media.video is None:
        return
    with opened(media.path) as container:
        stream = container.streams[media.video.index]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(os.cpu_count() or 1, _THREADS)
        jump = _Jumps(container.format.name in INDEXED, moments)
        last: tuple[float, Any] | None = None
        going = True
        while going:
            going = False
            for start, frame in _timed(decoded(container, stream.index, media.tracks, faults), media):
                if last is not None and start > last[0]:
                    yield last[0], start, last[1]
                # A picture whose time goes back was on the screen before, if at all.
                if last is None or start > last[0]:
                    last = start, frame
                target = jump.target(start)
                if target is not None and _jumped(container, stream, target + media.origin):
                    last, going = None, True
                    break
        if last is not None:
            length = float(last[1].duration * last[1].time_base) if last[1].duration else 0.0
            yield last[0], last[0] + max(length, 1 / media.video.rate), last[1]


def _jumped(container: Any, stream: Any, second: float) -> bool:
    av = optional_import("av", "media")
    try:
        container.seek(int(second / stream.time_base), stream=stream)
    except (av.FFmpegError, ValueError):
        return False
    return True


class _Jumps:
    """Decides when to jump over a stretch in which no frame is wanted, and gives jumping up where it does not work."""

    def __init__(self, possible: bool, moments: list[tuple[float, int]]) -> None:
        self.possible, self.moments = possible, moments
        self.left_at: float | None = None
        self.wanted = 0.0

    def target(self, now: float) -> float | None:
        """The second to jump to when the frame at ``now`` has been seen, or ``None`` to go on."""
        if not self.possible:
            return None
        if self.left_at is not None:  # the first frame after a jump
            missed, gained = now > self.wanted, now > self.left_at
            self.possible, self.left_at = gained and not missed, None
            return 0.0 if missed else None
        place = bisect_left(self.moments, (now, -1))
        if place == len(self.moments) or self.moments[place][0] - now <= _SEEK:
            return None
        self.left_at, self.wanted = now, self.moments[place][0]
        return self.wanted


def _timed(frames: Iterator[Any], media: Media) -> Iterator[tuple[float, Any]]:
    """``(start, frame)``; a frame without a time stamp follows the one before at the mean rate."""
    assert media.video is not None
    delay, due = media.video.delay, 0.0
    for frame in frames:
        stamp = frame.pts if delay is None else frame.dts
        start = due if stamp is None else float(stamp * frame.time_base) - (delay or 0.0) - media.origin
        due = start + 1 / media.video.rate
        yield start, frame


def _image(frame: Any, track: VideoTrack | None, longest_side: int) -> np.ndarray:
    width, height = round(frame.width * (track.pixel_shape if track else 1.0)), frame.height
    scale = min(1.0, longest_side / max(width, height))
    # Made smaller while it is converted, which never holds a large picture in RGB.
    small = frame.reformat(width=max(1, round(width * scale)), height=max(1, round(height * scale)), format="rgb24")
    pose = Pose(track.rotation, track.mirrored) if track else Pose()
    return pose.upright(small.to_ndarray())
