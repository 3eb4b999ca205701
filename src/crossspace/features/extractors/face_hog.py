"""How a face looks and how it moves, by histograms of oriented gradients: no download, no licence of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossspace.features.extractors.base import Missing, VisualExtractor
from crossspace.runtime import optional_import

_SIDE, _CELL, _DIRECTIONS = 64, 8, 9
_CELLS = (_SIDE // _CELL) ** 2


class FaceHog(VisualExtractor):
    """Appearance and movement of the face: 704 numbers.

    Each crop becomes grey, 64 x 64, and is described by the histograms of oriented gradients of Dalal and Triggs
    (2005): 8 x 8 cells of 8 x 8 pixels, 9 directions, of square-rooted grey levels and normalised over blocks of
    2 x 2 cells that do not overlap, so the strength of the light hardly counts. Over the frames of the utterance:

    - 576 means of the histograms, from 0 to 1: the appearance;
    - 64 standard deviations, root mean square over the directions of a cell: how much it varies;
    - 64 mean absolute changes from frame to frame, mean over the directions of a cell: how fast it moves.

    A face seen in one frame has an appearance but no movement that anyone could know. Zeros would say that it
    kept still, so the modality is missing there.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """

    name = "face-hog"
    licence = "Apache-2.0"

    def __init__(self) -> None:
        self._cv2 = optional_import("cv2", "media")
        block = (2 * _CELL, 2 * _CELL)
        self._hog = self._cv2.HOGDescriptor((_SIDE, _SIDE), block, block, (_CELL, _CELL), _DIRECTIONS)
        self.width, self.version, self.parameters = _CELLS * (_DIRECTIONS + 2), "1", {}

    def extract(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray | Missing]:
        """One vector ``(704,)`` per face; missing where it was seen in fewer than two frames."""
        return [self._vector(crops) for crops in items]

    def _vector(self, crops: Sequence[np.ndarray]) -> np.ndarray | Missing:
        if len(crops) == 0:
            return Missing("no face found")
        if len(crops) == 1:
            return Missing("a face in one frame only, so no movement")
        cells = np.stack([self._histograms(crop) for crop in crops])
        # Over time first, then over directions: a cell varies as much as its histogram moves.
        varies = np.sqrt(cells.var(axis=0).mean(axis=-1))
        moves = np.abs(np.diff(cells, axis=0)).mean(axis=(0, -1))
        return np.concatenate([cells.mean(axis=0).ravel(), varies, moves]).astype(np.float32)

    def _histograms(self, crop: np.ndarray) -> np.ndarray:
        """``(64 cells, 9 directions)`` of one crop."""
        cv2 = self._cv2
        grey = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY)
        # Averaging areas: plain interpolation would skip pixels and turn texture into gradients.
        small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        # The descriptor comes as blocks of four cells; as blocks do not overlap, each cell is in it once.
        return self._hog.compute(small).reshape(_CELLS, _DIRECTIONS).astype(np.float64)
