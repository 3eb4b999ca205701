"""The sound of a recording as one rising sequence of samples whose places are true times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossspace.features.media.container import Faults, decoded, opened
from crossspace.features.media.tracks import Media
from crossspace.runtime import optional_import

_JITTER = 0.02
"""Seconds. Containers round time stamps; only what differs more from counting samples is a gap or an overlap."""


Form = Callable[[np.ndarray], np.ndarray]
"""Makes of channels ``(T, C)`` what is heard: ``(T,)`` or ``(T, C)``."""


@dataclass(frozen=True)
class Piece:
    """Samples next to each other.

    Attributes:
        at: place of the first one: ``round(seconds * rate)``.
        samples: ``(T,)`` float32, mono, in [-1, 1]; or ``(T, C)``, the channels apart.
    """

    at: int
    samples: np.ndarray


def pieces(media: Media, rate: int, faults: Faults, apart: bool = False) -> Iterator[Piece]:
    """The sound from second 0 on, at ``rate`` samples per second, in rising order, each piece as it is decoded.

    Mono is the channel that the track names, or the mean of all, so that the same sound in all of them is as loud as in
    one alone.

    Where the file has a gap (sound that starts late, packets that were lost) the next piece lies further on. Where its
    time stamps go back, what was heard first stays.

    Args:
        media: the recording.
        rate: samples per second.
        faults: counts what is damaged.
        apart: give the channels ``(T, C)``, as many as the track says.
    """
    if media.audio is None:
        return
    gain = media.audio.gain
    form = _columns(media.audio.channels, gain) if apart else _one(media.audio.channel, gain)
    at = 0
    with opened(media.path) as container:
        frames = decoded(container, media.audio.index, media.tracks, faults)
        for place, samples in _resampled(_runs(frames, media.origin), rate, faults, form):
            # Overlaps come from joints and from time stamps that go back.
            late = at - place
            if late > 0:
                place, samples = at, samples[late:]
            if len(samples):
                at = place + len(samples)
                yield Piece(place, samples)


def _runs(frames: Iterator[Any], origin: float) -> Iterator[tuple[float | None, Any]]:
    """``(start, frame)``: the second at which a frame begins, or ``None`` where it follows on from the one before.

    A new run begins where a gap or an overlap is heard, and where rate or channels change.
    """
    due: float | None = None
    kind = None
    for frame in frames:
        start = due if frame.time is None else float(frame.time) - origin
        start = 0.0 if start is None else start
        same = kind == (frame.sample_rate, frame.layout.name, frame.format.name)
        if due is not None and same and abs(start - due) <= _JITTER:
            yield None, frame
            start = due
        else:
            yield start, frame
        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        due = start + frame.samples / frame.sample_rate


def _resampled(
    runs: Iterator[tuple[float | None, Any]], rate: int, faults: Faults, form: Form
) -> Iterator[tuple[int, np.ndarray]]:
    """``(place, samples)`` at ``rate``, half a second at a time."""
    run: Run | None = None
    for start, frame in runs:
        if start is not None:
            yield from run.flush() if run else ()
            run = Run(round(start * rate), rate, faults, form)
        if run:
            yield from run.add(frame)
    yield from run.flush() if run else ()


class Run:
    """Frames that follow on from each other, with a resampler of their own.

    Args:
        place: of the first sample.
        rate: samples per second to give.
        faults: counts what is damaged.
        form: makes of channels ``(T, C)``, which may hold any numbers, what is given.
    """

    def __init__(self, place: int, rate: int, faults: Faults, form: Form) -> None:
        av = optional_import("av", "media")
        self.place, self.faults, self.form = place, faults, form
        self.waiting = av.AudioFifo()
        # The layout is kept: a resampler that mixes channels of floats sums them, and the sum leaves [-1, 1]. Packed,
        # because more than eight planes do not fit into a frame of PyAV.
        self.resampler = av.AudioResampler(format="flt", rate=rate)

    def add(self, frame: Any) -> Iterator[tuple[int, np.ndarray]]:
        """``(place, samples)`` that are ready when ``frame`` has come."""
        # Times are counted here; the FIFO refuses frames whose stamps do not follow on from each other.
        frame.pts = None
        self.waiting.write(frame)
        # Decoders give frames of some 20 ms; resampling half a second at once costs a fifth of the time.
        if self.waiting.samples >= frame.sample_rate // 2:
            yield from self._through(self.waiting.read())

    def flush(self) -> Iterator[tuple[int, np.ndarray]]:
        """What is left."""
        if self.waiting.samples:
            yield from self._through(self.waiting.read(partial=True))
        yield from self._through(None)

    def _through(self, frame: Any) -> Iterator[tuple[int, np.ndarray]]:
        av = optional_import("av", "media")
        try:
            parts = self.resampler.resample(frame)
        except (av.FFmpegError, ValueError):  # a damaged header may claim any rate
            self.faults.packets += 1
            return
        for part in parts:
            samples = self.form(part.to_ndarray().reshape(part.samples, -1))
            yield self.place, samples
            self.place += len(samples)


def _one(channel: int | None, gain: float) -> Form:
    """One channel, or the mean of all: also where a part of the file has fewer channels than the rest."""

    def form(samples: np.ndarray) -> np.ndarray:
        samples = samples if gain == 1 else samples * np.float32(gain)
        if channel is None or channel >= samples.shape[1]:
            return _mono(samples)
        return _mono(samples[:, channel : channel + 1])

    return form


def _columns(count: int, gain: float) -> Form:
    """As many channels as the track says; silent ones where a part of the file has fewer."""

    def form(samples: np.ndarray) -> np.ndarray:
        columns = np.zeros((len(samples), count), dtype=np.float32)
        columns[:, : samples.shape[1]] = finite(
            samples[:, :count] if gain == 1 else samples[:, :count] * np.float32(gain)
        )
        return columns

    return form


def _mono(samples: np.ndarray) -> np.ndarray:
    """The mean ``(T,)`` of channels ``(T, C)``, in [-1, 1]."""
    mean = np.nan_to_num(samples, posinf=1.0, neginf=-1.0).mean(axis=1, dtype=np.float64)
    return np.clip(mean, -1.0, 1.0).astype(np.float32)


def finite(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1], whatever damaged floats there are: one NaN would make the mean of a frame NaN."""
    return np.clip(np.nan_to_num(samples, posinf=1.0, neginf=-1.0), -1.0, 1.0).astype(np.float32)
