"""Where the samples of a WAV, RF64, W64 or AIFF file lie, whatever its header counts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crossspace.features.media.chunks import AIFF, NEAR, WAV, Chunk, Form, chunk_at, chunks_from, form_of
from crossspace.features.media.sample_end import end_of_samples

_PLACEHOLDER = 0x7FFF0000
"""Sizes from here on stand for "not known yet" where they lead beyond the end: programs that write into a pipe."""


@dataclass(frozen=True)
class Samples:
    """Where the samples of a file lie.

    Attributes:
        begin, end: in bytes of the file.
        stated: bytes that the header counts; ``None`` where it says that it does not know.
        head: what stands before samples in a file of this kind whose header is right, without what is not needed.
        as_stated: whether a program that goes by the header reads from ``begin`` to ``end``.
        another: whether another recording of the kind follows.
    """

    begin: int
    end: int
    stated: int | None
    head: bytes
    as_stated: bool
    another: bool = False


def samples_in(path: Path) -> Samples | None:
    """Where the samples of a file of chunks lie; ``None`` of any other, and where none are found.

    A few reads of the header and one of the end, however large the file is.
    """
    with path.open("rb") as file:
        top = file.read(16)
        form = form_of(top)
        if form is None:
            return None
        size = os.fstat(file.fileno()).st_size
        described, samples, straight = _head_chunks(file, form, size)
        if described is None or samples is None:
            return None
        begin = samples.begin + form.offset
        stated: int | None = samples.end - begin
        if form is WAV and top[:4] in (b"RF64", b"BW64") and samples.end - samples.begin == 0xFFFFFFFF:
            stated = _long_size(file, size)
        if stated is None or stated <= 0 or (begin + stated > size and stated >= _PLACEHOLDER):
            stated = None
        end, another = end_of_samples(file, form, begin, stated, size)
        # FFmpeg reads to the end of the file where the size leads beyond it, and of WAV where it is not known.
        as_stated = straight and end == (size if stated is None else min(begin + stated, size))
        as_stated = as_stated and (stated is not None or top[:4] == b"RIFF")
        return Samples(begin, end, stated, _header(file, form, top, described, end - begin), as_stated, another)


def _head_chunks(file: BinaryIO, form: Form, size: int) -> tuple[Chunk | None, Chunk | None, bool]:
    """The chunk that describes the samples, the one that holds them, and whether the sizes of the others lead there."""
    described = samples = None
    for chunk in chunks_from(file, form, form.top, size):
        if chunk.name == form.format:
            described = described or chunk
        if chunk.name == form.samples:
            samples = chunk
            break
    if described is not None and samples is not None:
        return described, samples, True
    # A chunk in front with a wrong size, or without the byte that makes it even.
    file.seek(0)
    near = file.read(NEAR)
    at = near.find(form.format, form.top)
    behind = near.find(form.samples, at + form.head) if at >= 0 else -1
    if behind < 0:
        return None, None, False
    return (
        chunk_at(near[at : at + form.head], form, at),
        chunk_at(near[behind : behind + form.head], form, behind),
        False,
    )


def _long_size(file: BinaryIO, size: int) -> int | None:
    """The size of the samples of RF64, which stands in a chunk of its own."""
    for chunk in chunks_from(file, WAV, WAV.top, size):
        if chunk.name == b"ds64":
            file.seek(chunk.begin + 8)
            return int.from_bytes(file.read(8), "little")
    return None


def _header(file: BinaryIO, form: Form, top: bytes, described: Chunk, count: int) -> bytes:
    file.seek(described.begin)
    content = file.read(min(max(described.end - described.begin, 0), 4096))
    content += bytes(len(content) % 2)
    if form is AIFF:
        samples = b"SSND" + min(count + 8, 0xFFFFFFFE).to_bytes(4, "big") + bytes(8)
        chunks = top[8:12] + b"COMM" + len(content).to_bytes(4, "big") + content + samples
        return b"FORM" + min(len(chunks) + count, 0xFFFFFFFE).to_bytes(4, "big") + chunks
    # W64 describes its samples as WAV does. The largest size means "to the end of the file".
    samples = b"data" + min(count, 0xFFFFFFFF).to_bytes(4, "little")
    chunks = b"WAVEfmt " + len(content).to_bytes(4, "little") + content + samples
    return b"RIFF" + min(len(chunks) + count, 0xFFFFFFFF).to_bytes(4, "little") + chunks
