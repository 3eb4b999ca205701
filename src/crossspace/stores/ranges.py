"""A file on a store as one that can be read anywhere, by requests for no more than what is needed."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from crossspace.stores.faults import asking

if TYPE_CHECKING:
    from crossspace.stores.address import Address

_END = 64 * 1024
"""Bytes of the end that are fetched at once: the description of a Parquet file stands there."""
GAP = 128 * 1024
"""Ranges with no more than this between them are one request: it costs less than another one, on any usual network."""
_MOST = 32 * 1024**2
"""Bytes that one request asks for."""


class RangeFile(io.RawIOBase):
    """The bytes of an address, fetched when they are read, without reading ahead.

    :meth:`fetch` asks for many ranges at the same time; they are kept until :meth:`forget`. :meth:`fetch_ahead` does
    so for reads that are still to come; they are kept until it is called again.

    Args:
        address: of the file.

    Raises:
        FileNotFoundError: there is none.
        DataError: the store does not let us.
    """

    def __init__(self, address: Address) -> None:
        super().__init__()
        self.address, self.size = address, address.size()
        self._at = 0
        self._end: tuple[int, bytes] | None = None
        self._kept: list[tuple[int, bytes]] = []
        self._ahead: list[tuple[int, bytes]] = []

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"position {base + offset} is before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` from here; fewer bytes only at the end."""
        content = self.between(self._at, self._at + len(buffer))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        """``size`` bytes from here, or all that follow."""
        stop = self.size if size is None or size < 0 else self._at + size
        content = self.between(self._at, stop)
        self._at += len(content)
        return content

    def readall(self) -> bytes:
        """All that follow."""
        return self.read()

    def between(self, start: int, stop: int) -> bytes:
        """The bytes of a range, as far as the file goes."""
        stop = min(stop, self.size)
        if start >= stop:
            return b""
        if (held := self._held(start, stop)) is not None:
            return held
        first = max(self.size - _END, 0)
        if start >= first:
            self._end = (first, self._asked(first, self.size))
            return self._end[1][start - first : stop - first]
        return self._asked(start, stop)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Ask at the same time for ranges that are not held yet, neighbours together."""
        self._kept = self._brought(r for r in ranges if self._held(*r) is None)

    def fetch_ahead(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Ask for ranges that will be read next; those of the call before are forgotten."""
        self._ahead = []  # first, lest both are held at the same time
        self._ahead = self._brought(ranges)

    def forget(self) -> None:
        """Let go of what :meth:`fetch` brought."""
        self._kept = []

    def _held(self, start: int, stop: int) -> bytes | None:
        """The bytes of a range, if they are here."""
        for held in ([self._end] if self._end else []), self._kept, self._ahead:
            at = bisect_right(held, start, key=lambda one: one[0]) - 1
            if at >= 0 and stop <= held[at][0] + len(held[at][1]):
                return held[at][1][start - held[at][0] : stop - held[at][0]]
        return None

    def _brought(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, bytes]]:
        wanted = merged(ranges)
        if not wanted:
            return []
        with asking(self.address):
            path = self.address.path
            parts = self.address.fs.cat_ranges(
                [path] * len(wanted), [start for start, _ in wanted], [stop for _, stop in wanted], on_error="raise"
            )
            for part in parts:
                if isinstance(part, BaseException):  # older releases of fsspec give errors back all the same
                    raise part
        return [
            (start, self._whole(bytes(part), start, stop)) for (start, stop), part in zip(wanted, parts, strict=True)
        ]

    def _asked(self, start: int, stop: int) -> bytes:
        with asking(self.address):
            return self._whole(bytes(self.address.fs.cat_file(self.address.path, start=start, end=stop)), start, stop)

    def _whole(self, content: bytes, start: int, stop: int) -> bytes:
        if len(content) != stop - start:
            raise OSError(f"{len(content)} bytes came where {stop - start} were asked for: the file was replaced")
        return content


def merged(ranges: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Ranges in order, those that are near each other as one, none longer than a request should be."""
    result: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if result and start - result[-1][1] <= GAP and stop - result[-1][0] <= _MOST:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        else:
            result.append((start, stop))
    return result
