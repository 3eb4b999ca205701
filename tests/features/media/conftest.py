"""Small recordings whose sound and pictures say which second they belong to."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av")

BITS = 10
"""A coded picture shows its number as so many black and white columns."""

Recording = Callable[..., Path]


@pytest.fixture
def turning() -> None:
    """PyAV 17, the last for Python 3.10, reads how a video is to be turned, and cannot write it."""
    if int(av.__version__.split(".")[0]) < 18:
        pytest.skip("PyAV 17 writes no video that is to be turned.")


TIMES = [number / 25 for number in range(100)]


def coded(number: int, width: int = 160, height: int = 96) -> np.ndarray:
    image = np.full((height, width, 3), 60, dtype=np.uint8)
    step = width // BITS
    for bit in range(BITS):
        image[: height // 2, bit * step : (bit + 1) * step] = 235 if number >> bit & 1 else 16
    return image


def number_in(image: np.ndarray) -> int:
    step = image.shape[1] / BITS
    columns = [image[10 : image.shape[0] // 2 - 10, int((bit + 0.5) * step)].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, light in enumerate(columns) if light > 125)


def clicks(seconds: float, rate: int, every: float = 1.0) -> np.ndarray:
    """Silence with a short tone that begins at every whole multiple of ``every``."""
    samples = np.zeros(round(seconds * rate), dtype=np.float32)
    tone = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(rate // 50) / rate)
    for begin in np.arange(0, seconds, every):
        place = round(begin * rate)
        samples[place : place + len(tone)] = tone[: len(samples) - place]
    return samples


def onsets(samples: np.ndarray, rate: int = 16000) -> np.ndarray:
    """Seconds at which tones begin."""
    loud = np.flatnonzero(np.abs(samples) > 0.3)
    return loud[np.r_[True, np.diff(loud) > rate // 10]] / rate


@pytest.fixture(scope="session")
def signals() -> SimpleNamespace:
    """What recordings are made of, and how to read it back."""
    return SimpleNamespace(clicks=clicks, onsets=onsets, number_in=number_in, times=TIMES)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Writes coded pictures at the given times and samples in the given pieces ``[(start, samples)]``."""

    def write(
        name: str,
        times: list[float] | None = None,
        sound: list[tuple[float, np.ndarray]] | None = None,
        rate: int = 44100,
        codecs: tuple[str, str] = ("libx264", "aac"),
        prepare: Callable[[Any], None] | None = None,
        size: tuple[int, int] = (160, 96),
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            packets: list[Any] = []
            video = audio = None
            if times is not None:
                video = container.add_stream(codecs[0], rate=25)
                video.width, video.height = size
                video.pix_fmt = "yuv420p"
                video.codec_context.time_base = Fraction(1, 1000)
                if prepare is not None:
                    prepare(video)
            if sound is not None:
                audio = container.add_stream(codecs[1], rate=rate)
                audio.layout = "mono"
            for number, time in enumerate(times or []):
                frame = av.VideoFrame.from_ndarray(coded(number, *size), format="rgb24")
                frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
                packets += video.encode(frame)
            for start, samples in sound or []:
                frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
                resampler = av.AudioResampler(format=audio.codec_context.format, layout="mono", rate=audio.rate)
                for part in resampler.resample(frame):
                    packets += audio.encode(part)
            for stream in (video, audio):
                packets += stream.encode() if stream is not None else []
            for packet in sorted(packets, key=lambda p: float((p.dts if p.dts is not None else p.pts) * p.time_base)):
                container.mux(packet)
        return path

    return write
