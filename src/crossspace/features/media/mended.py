"""A file whose header counts its samples wrongly, as if it counted them rightly."""

from __future__ import annotations

import io
import os
from pathlib import Path

from crossspace.features.media.sample_range import Samples


class MendedFile(io.RawIOBase):
    """The samples of a file behind a header that is right; nothing is copied.

    Args:
        path: of the file.
        samples: where they lie.
    """

    def __init__(self, path: Path, samples: Samples) -> None:
        self._file = path.open("rb")
        self._head, self._begin = samples.head, samples.begin
        self._size = len(samples.head) + samples.end - samples.begin
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes; fewer at the end."""
        left = max(0, self._size - self._at)
        size = left if size < 0 else min(size, left)
        block = self._head[self._at : self._at + size]
        if len(block) < size:
            self._file.seek(self._begin + self._at + len(block) - len(self._head))
            block += self._file.read(size - len(block))
        self._at += len(block)
        return block

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
