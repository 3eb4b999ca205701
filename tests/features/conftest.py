"""Pictures with faces drawn from a few ellipses, which the cascades take for faces, and voices made of harmonics."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from crossspace.features.media import Media

Draw = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws faces, each ``(x, y, size, mouth open from 0 to 1)`` in pixels, on a smooth light from the left."""
    cv2 = pytest.importorskip("cv2")

    def build(*faces: tuple[float, float, float, float], height: int = 240, width: int = 320) -> np.ndarray:
        light = np.linspace(90, 130, width, dtype=np.float32)
        picture = np.repeat(np.broadcast_to(light, (height, width))[..., None], 3, axis=2).astype(np.uint8)
        for x, y, size, mouth in faces:
            for dx, dy, wide, high, grey in _ellipses(mouth):
                centre = round(x + dx * size), round(y + dy * size)
                axes = max(1, round(wide * size)), max(1, round(high * size))
                cv2.ellipse(picture, centre, axes, 0, 0, 360, (grey, grey - 8, grey - 16), -1, cv2.LINE_AA)
        return picture

    return build


def _ellipses(mouth: float) -> list[tuple[float, float, float, float, int]]:
    """Hair, skin, eyes, brows, nostrils, nose and mouth: centre and half axes in sizes of the face, and grey."""
    both = [
        (0.19, -0.10, 0.12, 0.075, 130),
        (0.19, -0.09, 0.085, 0.045, 235),
        (0.19, -0.09, 0.042, 0.045, 25),
        (0.19, -0.19, 0.13, 0.022, 45),
        (0.06, 0.17, 0.025, 0.015, 110),
    ]
    sides = [(side * dx, *rest) for dx, *rest in both for side in (-1, 1)]
    middle = [(0.0, 0.05, 0.035, 0.12, 215), (0.0, 0.35, 0.16, 0.02 + 0.09 * mouth, 70)]
    return [(0.0, -0.12, 0.5, 0.62, 40), (0.0, 0.05, 0.42, 0.58, 190), *sides, *middle]


@pytest.fixture
def recording_of(tmp_path: Path) -> Callable[..., Media]:
    """Opens a recording of these channels, each a row of samples at 16 kHz."""

    def build(*channels: np.ndarray) -> Media:
        pytest.importorskip("av")
        from crossspace.features.media import open_media

        with wave.open(str(tmp_path / "channels.wav"), "wb") as file:
            file.setparams((len(channels), 2, 16000, 0, "NONE", ""))
            file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
        return open_media(tmp_path / "channels.wav")

    return build


@pytest.fixture(scope="session")
def syllables() -> Callable[..., np.ndarray]:
    """Makes so many seconds of a voice, at 16 kHz, that silero-vad takes for one."""
    return _syllables


def _syllables(seconds: float, pitch: float = 140.0) -> np.ndarray:
    """A buzzing voice: harmonics of a pitch that wavers, in bursts of a fifth of a second, through moving formants."""
    time = np.arange(round(seconds * 16000)) / 16000
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 2.5 * time))) / 16000
    formants = (
        500 + 250 * np.sin(2 * np.pi * 2.2 * time),
        1500 + 500 * np.cos(2 * np.pi * 1.7 * time),
        2500 + 0 * time,
    )
    voice = np.zeros_like(time)
    for harmonic in range(1, 30):
        strength = sum(np.exp(-(((harmonic * pitch - formant) / 150) ** 2)) for formant in formants)
        voice += strength * np.sin(harmonic * phase)
    return (0.2 * voice * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * time))).astype(np.float32)
