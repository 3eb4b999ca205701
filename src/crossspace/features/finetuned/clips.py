"""What is heard and seen in utterances, kept in files by their content: an encoder reads it once in every epoch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossspace.errors import DataError
from crossspace.runtime import replacing

_PARTS, _BITS = 3, 24
"""A file is called by so many numbers of so many bits, each of which float32 holds exactly."""


@dataclass(frozen=True)
class Clip:
    """What is heard or seen in one utterance.

    Attributes:
        path: of the array: (T,) float32 samples, 16,000 per second, or (F, S, S, 3) uint8 faces.
        length: T or F.
    """

    path: Path
    length: int

    def __len__(self) -> int:
        return self.length

    def load(self) -> np.ndarray:
        """The array, read from its file."""
        return np.load(self.path, allow_pickle=False)


def keep(array: np.ndarray, folder: Path) -> np.ndarray:
    """Write an array into a folder, where it is not there yet, and return its address (3,)."""
    content = hashlib.sha256(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()).digest()
    whole = int.from_bytes(content[: _PARTS * _BITS // 8], "big")
    address = np.array([whole >> (_BITS * place) & (2**_BITS - 1) for place in range(_PARTS)], dtype=np.float32)
    path = _path(folder, address)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.save(file, array, allow_pickle=False)
    return address


def clip_at(folder: Path, address: np.ndarray) -> Clip:
    """The clip of an address.

    Raises:
        DataError: it is not in the folder, or damaged.
    """
    path = _path(folder, address)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray) or (array.dtype, array.ndim) not in ((np.float32, 1), (np.uint8, 4)):
            raise ValueError("neither sound nor faces")
        return Clip(path, int(array.shape[0]))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{folder} should hold what the corpus was extracted to, among it {path.name}. Found none, or a damaged "
            "one. Name the folder by --clips, or extract again."
        ) from error


def _path(folder: Path, address: np.ndarray) -> Path:
    return folder / ("".join(f"{int(part):06x}" for part in address) + ".npy")
