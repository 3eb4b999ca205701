"""Where a face is in a picture, and how it is cut out upright."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossspace.runtime import optional_import

_DIAGONAL = 1.5
"""A square this many times as large holds the wanted one whichever way it is turned."""


class Face(NamedTuple):
    """A face in one picture, in pixels of that picture.

    Attributes:
        x, y: its centre.
        size: the side of the square round brows and chin.
        angle: degrees by which the picture is turned counter-clockwise to make the face upright.
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    @property
    def box(self) -> tuple[int, int, int, int]:
        """``(left, top, width, height)`` of its square, without the turn."""
        side = round(self.size)
        return round(self.x - self.size / 2), round(self.y - self.size / 2), side, side

    def overlaps(self, other: Face) -> bool:
        """Whether both are the same face: the centres are nearer than half the larger side."""
        return bool(np.hypot(self.x - other.x, self.y - other.y) < 0.5 * max(self.size, other.size))


def cut_out(image: np.ndarray, face: Face, *, reach: float, side: int) -> np.ndarray:
    """The upright square of ``reach`` face sizes round a face, as ``(side, side)`` or ``(side, side, 3)`` uint8.

    What lies beyond the picture repeats its edge.
    """
    cv2 = optional_import("cv2", "media")
    wanted = face.size * reach
    height, width = image.shape[:2]
    left, right = _span(face.x, wanted * _DIAGONAL, width)
    top, bottom = _span(face.y, wanted * _DIAGONAL, height)
    # Cut before it is turned: turning a whole picture for one face takes many times as long.
    region = image[top:bottom, left:right]
    centre = np.array([face.x - left, face.y - top])
    if wanted > side:  # averaging first keeps fine texture from turning into noise
        small = max(1, round((right - left) * side / wanted)), max(1, round((bottom - top) * side / wanted))
        centre = centre * small / (right - left, bottom - top)
        region = cv2.resize(region, small, interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D(tuple(map(float, centre)), face.angle, max(1.0, side / wanted))
    turn[:, 2] += side / 2 - centre
    return cv2.warpAffine(region, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _span(middle: float, length: float, limit: int) -> tuple[int, int]:
    """The part of ``range(limit)`` round ``middle``, never empty."""
    first = int(np.clip(np.floor(middle - length / 2), 0, limit - 1))
    return first, int(np.clip(np.ceil(middle + length / 2), first + 1, limit))
