"""Faces in one grey picture, by the cascades that OpenCV carries."""

from __future__ import annotations

import math

import numpy as np

from crossspace.features.pictures.face import Face, cut_out
from crossspace.runtime import optional_import

TILT = 20.0
"""Degrees between the turns that are tried; the cascade itself accepts about 15 to either side."""

STEEPEST = 50.0
"""Degrees of tilt beyond which a face is given up."""

_WINDOW = 20
"""Side of the smallest face that the cascade knows, in pixels."""

_WHOLE, _TURNED = 320, 200
"""Longest side of the picture in which upright and tilted faces are looked for, in pixels."""

_NEAR, _REACH = 40, 2.0
"""Side of a followed face in the patch in which it is looked for again, and the patch's side in faces."""

_EYES = 80
"""Side of a face in which eyes are looked for, in pixels."""


class Detector:
    """Finds faces anywhere in a picture, or one again near the place where it was.

    ``haarcascade_frontalface_alt2`` (Lienhart) does both, upright and turned by 20 degrees either way: it is faster
    than the default cascade and takes texture for a face less often. Faces seen from the side are not found.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """

    def __init__(self) -> None:
        self._cv2 = optional_import("cv2", "media")
        folder = self._cv2.data.haarcascades
        self._faces = self._cv2.CascadeClassifier(f"{folder}haarcascade_frontalface_alt2.xml")
        self._eyes = self._cv2.CascadeClassifier(f"{folder}haarcascade_eye.xml")

    def everywhere(self, grey: np.ndarray) -> list[Face]:
        """All faces of a picture ``(H, W)`` uint8, the largest first.

        An upright face is found from 1/16 of the longest side, a tilted one from 1/10.
        """
        faces = self._turned(grey, 0.0, _WHOLE)
        # Upright faces first: what two turns see is taken from the one that sees it better.
        for angle in (-TILT, TILT):
            faces += [face for face in self._turned(grey, angle, _TURNED) if not any(map(face.overlaps, faces))]
        return sorted(faces, key=lambda face: (-face.size, face.x, face.y))

    def near(self, grey: np.ndarray, face: Face) -> Face | None:
        """The same face in the next picture: within half its size, and at most 1.4 times as large or small."""
        for angle in (face.angle, face.angle - TILT, face.angle + TILT):
            if abs(angle) > STEEPEST:
                continue
            guess = face._replace(angle=angle)
            side = round(_NEAR * _REACH)
            patch = cut_out(grey, guess, reach=_REACH, side=side)
            boxes = self._cascade(patch, smallest=round(_NEAR / 1.4), largest=round(_NEAR * 1.4), votes=2)
            if len(boxes):
                candidates = [_outside(box, guess, face.size / _NEAR, side) for box in boxes]
                return min(candidates, key=lambda one: math.hypot(one.x - face.x, one.y - face.y))
        return None

    def levelled(self, grey: np.ndarray, face: Face) -> Face:
        """The face with its angle corrected so that the eyes are level, or as it is where both are not seen clearly."""
        # Only the upper part: mouths and nostrils pass for eyes.
        patch = cut_out(grey, face, reach=1.0, side=_EYES)[: round(0.6 * _EYES)]
        eyes = self._eyes.detectMultiScale(patch, 1.1, 3, minSize=(_EYES // 6,) * 2, maxSize=(_EYES // 2,) * 2)
        centres = [(x + w / 2, y + h / 2) for x, y, w, h in eyes]
        left = [c for c in centres if c[0] < 0.45 * _EYES]
        right = [c for c in centres if c[0] > 0.55 * _EYES]
        # Two left eyes are an eye and a brow or a nostril: a wrong angle is worse than none.
        if len(left) != 1 or len(right) != 1:
            return face
        slope = math.degrees(math.atan2(right[0][1] - left[0][1], right[0][0] - left[0][0]))
        angle = face.angle + slope
        return face._replace(angle=angle) if abs(slope) <= TILT and abs(angle) <= STEEPEST else face

    def _turned(self, grey: np.ndarray, angle: float, longest: int) -> list[Face]:
        cv2 = self._cv2
        height, width = grey.shape
        scale = min(1.0, longest / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), angle, 1.0)
        if angle:
            small = cv2.warpAffine(small, turn, size, borderMode=cv2.BORDER_REPLICATE)
        back = cv2.invertAffineTransform(turn)
        faces = []
        for x, y, w, h in self._cascade(small, smallest=_WINDOW, largest=max(size)):
            cx, cy = back @ (x + w / 2, y + h / 2, 1.0)
            # The corners that a turned picture fills up repeat its edge, and may look like a face.
            if 0 <= cx < size[0] and 0 <= cy < size[1]:
                faces.append(Face(cx / scale, cy / scale, float(w / scale), angle))
        return faces

    def _cascade(self, grey: np.ndarray, *, smallest: int, largest: int, votes: int = 3) -> np.ndarray:
        boxes = self._faces.detectMultiScale(grey, 1.15, votes, minSize=(smallest,) * 2, maxSize=(largest,) * 2)
        return np.asarray(sorted(map(tuple, boxes)))  # threads of the library may deliver them in any order


def _outside(box: np.ndarray, guess: Face, scale: float, side: int) -> Face:
    """A box in the patch that was cut out round ``guess``, in pixels of the whole picture."""
    x, y, w, h = box
    across, down = (x + w / 2 - side / 2) * scale, (y + h / 2 - side / 2) * scale
    cosine, sine = math.cos(math.radians(guess.angle)), math.sin(math.radians(guess.angle))
    return Face(
        guess.x + cosine * across - sine * down, guess.y + sine * across + cosine * down, w * scale, guess.angle
    )
