"""How the stored pictures of a video must be mirrored and turned to stand upright."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Pose:
    """Of a stored picture.

    Attributes:
        rotation: degrees, counter-clockwise, by which it is turned to stand upright: 0, 90, 180 or 270.
        mirrored: whether left and right are exchanged before it is turned.
    """

    rotation: int = 0
    mirrored: bool = False

    def upright(self, image: np.ndarray) -> np.ndarray:
        """A stored picture ``(H, W, ...)`` as it is meant to be seen."""
        return np.ascontiguousarray(np.rot90(image[:, ::-1] if self.mirrored else image, self.rotation // 90))


def pose_of(frame: Any) -> Pose:
    """What the display matrix of an ``av`` frame asks for; a slant is rounded to a quarter.

    The matrix takes a stored point ``(p, q)`` to ``(a p + c q, b p + d q)``, with the second axis downwards. Where its
    determinant is negative it is a rotation of the mirrored picture. PyAV gives the angle alone, which is wrong there.

    Ask it of one frame of a recording only: with its side data, a frame is held by a cycle of references and stays in
    memory until the garbage collector comes by, which does not know how large it is.
    """
    from av.sidedata.sidedata import Type

    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return Pose()
    a, b, _, c, d = np.frombuffer(matrix, dtype=np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    # Taking the mirroring out of the matrix leaves a rotation, whose angle can be read off.
    if mirrored:
        a, b = -a, -b
    return Pose(round(-math.degrees(math.atan2(b, a)) / 90) * 90 % 360, mirrored)
