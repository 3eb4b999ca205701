"""Pictures with faces that are drawn from a few ellipses, which the cascades take for faces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

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
