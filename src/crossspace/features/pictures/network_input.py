"""From crops to the tensor that an exported network declares as its input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossspace.errors import DataError, UsageError
from crossspace.runtime import optional_import

SCALES = ("0-1", "0-255", "imagenet")

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


class PictureInput:
    """The one input of a network, as its file declares it.

    Attributes:
        name: of the input.
        batch: how many pictures it takes at once; None where that is free.

    Args:
        file: the name of the network's file, for messages.
        name: of the input.
        shape: four entries; those that are no numbers are free.
        kind: the type, ``tensor(float)`` and so on.
        scale: one of :data:`SCALES`.
        size: the side of the picture where the shape leaves it free.

    Raises:
        UsageError: ``scale`` or ``size`` does not fit.
        DataError: the input is no picture.
    """

    def __init__(
        self, file: str, name: str, shape: Sequence[int | str | None], kind: str, scale: str, size: int | None
    ) -> None:
        if scale not in SCALES:
            raise UsageError(f"'scale' of onnx should be one of {', '.join(SCALES)}. Found {scale!r}.")
        if size is not None and size < 1:
            raise UsageError(f"'size' of onnx should be at least 1. Found {size}.")
        extents = [one if isinstance(one, int) and one > 0 else None for one in shape]
        # A free extent can be anything, so the channels have to be stated: they alone tell the two orders apart.
        channel = next((axis for axis in (1, 3) if len(extents) == 4 and extents[axis] in (1, 3)), None)
        if channel is None or kind not in _TYPES:
            raise DataError(
                f"The input {name!r} of {file} should be pictures, (N, C, H, W) or (N, H, W, C) with C of 1 or 3, "
                f"of float or uint8. Found {list(shape)} of {kind}. Export the network with such an input."
            )
        self.name = name
        self.batch = extents[0]
        self._first = channel == 1
        self._grey = extents[channel] == 1
        self._type = _TYPES[kind]
        self._scale = scale
        height, width = (extents[2], extents[3]) if self._first else (extents[1], extents[2])
        self._size = _side(file, width, size), _side(file, height, size)
        if scale == "imagenet" and self._grey:
            raise UsageError(f"'scale' imagenet is for colours, and {file} reads grey pictures. Use 0-1 or 0-255.")
        if self._type is np.uint8 and scale != "0-255":
            raise UsageError(f"{file} reads whole numbers, so 'scale' should be 0-255. Found {scale!r}.")

    def tensor(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Crops ``(S, S, 3)`` uint8 RGB as the network reads them."""
        pictures = np.stack([self._picture(crop) for crop in crops])
        if self._scale != "0-255":
            pictures = pictures.astype(np.float32) / 255
        if self._scale == "imagenet":
            pictures = (pictures - _MEAN) / _DEVIATION
        if self._first:
            pictures = pictures.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(pictures, dtype=self._type)

    def _picture(self, crop: np.ndarray) -> np.ndarray:
        cv2 = optional_import("cv2", "media")
        shrinks = self._size[0] < crop.shape[1]
        # Averaging only helps where pixels are left out; enlarged, it would give blocks.
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        picture = cv2.resize(np.ascontiguousarray(crop), self._size, interpolation=how)
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None] if self._grey else picture


def _side(file: str, declared: int | None, wanted: int | None) -> int:
    if declared is None and wanted is None:
        raise UsageError(f"{file} leaves the size of its picture open. Say it: onnx:FILE,size=224.")
    if declared is not None and wanted not in (None, declared):
        raise UsageError(f"{file} reads pictures of side {declared}, so 'size' cannot be {wanted}. Leave it out.")
    return int(declared or wanted or 0)
