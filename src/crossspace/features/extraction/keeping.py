"""What a cache of features asks of the place where they are kept, and how a vector is written down."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from crossspace.features.extractors.base import Missing

Row = tuple[str, bytes | None, str | None]
"""A key, and a vector as it is stored or the reason why there is none."""


class Keeping(ABC):
    """Where vectors, reasons and texts are kept by key; it warns once where it cannot, and stops nothing."""

    @abstractmethod
    def rows(self, keys: Sequence[str]) -> list[Row]:
        """Those of ``keys`` that are there."""

    @abstractmethod
    def keep(self, rows: Sequence[Row]) -> None:
        """Keep rows."""

    @abstractmethod
    def text(self, key: str) -> bytes | None:
        """A text as it is stored."""

    @abstractmethod
    def keep_text(self, key: str, content: bytes) -> None:
        """Keep a text."""

    @abstractmethod
    def clear(self) -> None:
        """Forget everything, and give the space back."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open; the next call opens it again."""


def as_bytes(vector: np.ndarray) -> bytes:
    """A vector as it is stored, without its checksum."""
    # Little-endian, so that a folder can be carried to another machine.
    return vector.astype("<f4").tobytes()


def checked(key: str, content: bytes) -> bytes:
    """What is stored: the content behind its checksum."""
    # Over the key as well: what got under another key is as wrong as what is damaged.
    return zlib.crc32(content, zlib.crc32(key.encode())).to_bytes(4, "little") + content


def unchecked(key: str, stored: bytes | None) -> bytes | None:
    """The content of what was stored; ``None`` where it is not what it was."""
    if stored is None or zlib.crc32(stored[4:], zlib.crc32(key.encode())).to_bytes(4, "little") != stored[:4]:
        return None
    return stored[4:]


def value_of(key: str, stored: bytes | None, reason: str | None) -> np.ndarray | Missing | None:
    """The vector or the reason that was stored; ``None`` where it is not what it was."""
    if stored is None:
        return Missing(reason or "")
    content = unchecked(key, stored)
    return None if content is None else np.frombuffer(content, dtype="<f4").astype(np.float32)
