"""The chunks of WAV, RF64, W64 and AIFF files: a name, a size, and what it counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MOST_CHUNKS = 4096
NEAR = 1 << 20
"""Bytes from either end of a file in which chunks are looked for where sizes do not lead to them."""


@dataclass(frozen=True)
class Form:
    """How a kind of file writes its chunks.

    Attributes:
        format, samples: names of the chunks that describe the samples and that hold them.
        top: where the first chunk begins.
        name, size: bytes of the name and of the size of a chunk.
        order: of the bytes of a size.
        counts_itself: whether the size counts name and size as well.
        aligned: bytes to a multiple of which chunks are filled up.
        offset: bytes of the chunk of samples in front of them.
    """

    format: bytes
    samples: bytes
    top: int = 12
    name: int = 4
    size: int = 4
    order: str = "little"
    counts_itself: bool = False
    aligned: int = 2
    offset: int = 0

    @property
    def head(self) -> int:
        """Bytes of name and size together."""
        return self.name + self.size


_GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")
WAV = Form(b"fmt ", b"data")
W64 = Form(b"fmt " + _GUID, b"data" + _GUID, 40, 16, 8, counts_itself=True, aligned=8)
AIFF = Form(b"COMM", b"SSND", order="big", offset=8)


@dataclass(frozen=True)
class Chunk:
    """One chunk: its name, and from where to where its content would reach by its size."""

    name: bytes
    begin: int
    end: int


def form_of(top: bytes) -> Form | None:
    """How a file that begins so writes its chunks; ``None`` where it has none."""
    if top[:4] in (b"RIFF", b"RF64", b"BW64") and top[8:12] == b"WAVE":
        return WAV
    if top[:4] == b"FORM" and top[8:12] in (b"AIFF", b"AIFC"):
        return AIFF
    return W64 if top[:16] == b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") else None


def chunks_from(file: BinaryIO, form: Form, at: int, size: int) -> Iterator[Chunk]:
    """The chunks from a place on, as far as their sizes lead, in a file of ``size`` bytes."""
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(form.head)
        if len(head) < form.head:
            return
        chunk = chunk_at(head, form, at)
        yield chunk
        at = chunk.end + -chunk.end % form.aligned
        if at > size or chunk.end < chunk.begin:
            return


def chunk_at(head: bytes, form: Form, at: int) -> Chunk:
    """The chunk that begins at a place with these bytes."""
    count = int.from_bytes(head[form.name :], form.order)  # type: ignore[arg-type]
    begin = at + form.head
    return Chunk(head[: form.name], begin, (at if form.counts_itself else begin) + count)
