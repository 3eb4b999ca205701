"""Where the samples of a WAV, RF64, W64 or AIFF file lie, whatever its header counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_CHUNKS = 4096
_NEAR = 1 << 20
"""Bytes from either end of a file in which chunks are looked for where sizes do not lead to them."""
_SCRAP = 1024
"""Bytes behind the samples that are no chunk and too few to be worth hearing: a tag, or an unfinished block."""
_MOST_ZEROS = 64 << 20
"""Bytes of zeros that are enough to know that nothing else follows."""
_PLACEHOLDER = 0x7FFF0000
"""Sizes from here on stand for "not known yet" where they lead beyond the end: programs that write into a pipe."""

_KNOWN = (
    b"LIST", b"list", b"INFO", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX", b"axml", b"cue ", b"smpl", b"inst", b"fact",
    b"PEAK", b"JUNK", b"junk", b"PAD ", b"FLLR", b"afsp", b"acid", b"strc", b"regn", b"umid", b"DISP", b"MD5 ", b"cart",
    b"levl", b"plst", b"minf", b"elm1", b"ovwf", b"RIFF", b"FORM", b"MARK", b"COMT", b"NAME", b"AUTH", b"ANNO", b"(c) ",
    b"APPL", b"INST", b"SAUR", b"LGWV", b"SyLp", b"Cr8r", b"link", b"wavl", b"slnt", b"chna", b"basc", b"trns",
)  # fmt: skip
"""Chunks that are found behind the samples of real files."""


@dataclass(frozen=True)
class _Form:
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
        return self.name + self.size


_GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_WAV = _Form(b"fmt ", b"data")
_W64 = _Form(b"fmt " + _GUID, b"data" + _GUID, 40, 16, 8, counts_itself=True, aligned=8)
_AIFF = _Form(b"COMM", b"SSND", order="big", offset=8)


@dataclass(frozen=True)
class Chunk:
    """One chunk: its name, and from where to where its content would reach by its size."""

    name: bytes
    begin: int
    end: int


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
        form = _form(top)
        if form is None:
            return None
        size = os.fstat(file.fileno()).st_size
        described, samples, straight = _head_chunks(file, form, size)
        if described is None or samples is None:
            return None
        begin = samples.begin + form.offset
        stated: int | None = samples.end - begin
        if form is _WAV and top[:4] in (b"RF64", b"BW64") and samples.end - samples.begin == 0xFFFFFFFF:
            stated = _long_size(file, size)
        if stated is None or stated <= 0 or (begin + stated > size and stated >= _PLACEHOLDER):
            stated = None
        end, another = _end(file, form, begin, stated, size)
        # FFmpeg reads to the end of the file where the size leads beyond it, and of WAV where it is not known.
        as_stated = straight and end == (size if stated is None else min(begin + stated, size))
        as_stated = as_stated and (stated is not None or top[:4] == b"RIFF")
        return Samples(begin, end, stated, _header(file, form, top, described, end - begin), as_stated, another)


def _form(top: bytes) -> _Form | None:
    if top[:4] in (b"RIFF", b"RF64", b"BW64") and top[8:12] == b"WAVE":
        return _WAV
    if top[:4] == b"FORM" and top[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    return _W64 if top[:16] == b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") else None


def _head_chunks(file: BinaryIO, form: _Form, size: int) -> tuple[Chunk | None, Chunk | None, bool]:
    """The chunk that describes the samples, the one that holds them, and whether the sizes of the others lead there."""
    described = samples = None
    for chunk in _chunks(file, form, form.top, size):
        if chunk.name == form.format:
            described = described or chunk
        if chunk.name == form.samples:
            samples = chunk
            break
    if described is not None and samples is not None:
        return described, samples, True
    # A chunk in front with a wrong size, or without the byte that makes it even.
    file.seek(0)
    near = file.read(_NEAR)
    at = near.find(form.format, form.top)
    behind = near.find(form.samples, at + form.head) if at >= 0 else -1
    if behind < 0:
        return None, None, False
    return _chunk(near[at : at + form.head], form, at), _chunk(near[behind : behind + form.head], form, behind), False


def _chunks(file: BinaryIO, form: _Form, at: int, size: int) -> Iterator[Chunk]:
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(form.head)
        if len(head) < form.head:
            return
        chunk = _chunk(head, form, at)
        yield chunk
        at = chunk.end + -chunk.end % form.aligned
        if at > size or chunk.end < chunk.begin:
            return


def _chunk(head: bytes, form: _Form, at: int) -> Chunk:
    count = int.from_bytes(head[form.name :], form.order)  # type: ignore[arg-type]
    begin = at + form.head
    return Chunk(head[: form.name], begin, (at if form.counts_itself else begin) + count)


def _long_size(file: BinaryIO, size: int) -> int | None:
    """The size of the samples of RF64, which stands in a chunk of its own."""
    for chunk in _chunks(file, _WAV, _WAV.top, size):
        if chunk.name == b"ds64":
            file.seek(chunk.begin + 8)
            return int.from_bytes(file.read(8), "little")
    return None


def _end(file: BinaryIO, form: _Form, begin: int, stated: int | None, size: int) -> tuple[int, bool]:
    """Where the samples end, and whether another recording follows there."""
    if stated is None:
        return _last_chunks(file, form, begin, size), False
    due = begin + stated
    if due + _SCRAP >= size:
        return min(due, size), False
    for at in sorted({due + -due % form.aligned, due}, reverse=True):
        follows = _follows(file, form, at, size)
        if follows is not None:
            return due, follows
    return (due if _is_zero(file, due, size) else _last_chunks(file, form, due, size)), False


def _follows(file: BinaryIO, form: _Form, at: int, size: int) -> bool | None:
    """Whether the chunks from ``at`` to the end of the file hold another recording; ``None`` where there are no chunks.

    Samples that happen to look like the name of a chunk do not also lead to the end of the file by its size.
    """
    another = False
    for chunk in _chunks(file, form, at, size):
        if chunk.name[:4] not in _KNOWN and not _is_name(chunk.name):
            return another if chunk.begin - form.head > at and _is_zero(file, chunk.begin - form.head, size) else None
        another = another or chunk.name[:4] in (b"RIFF", b"FORM", b"riff")
        if chunk.end + form.aligned > size:
            exact = chunk.end - form.aligned < size <= chunk.end + form.aligned
            return another if exact or chunk.name[:4] in _KNOWN else None
    return another


def _is_name(name: bytes) -> bool:
    return all(32 <= byte < 127 for byte in name[:4])


def _is_zero(file: BinaryIO, begin: int, end: int) -> bool:
    """Whether nothing but zeros stands there, with which some programs fill files up."""
    file.seek(begin)
    end = min(end, begin + _MOST_ZEROS)
    while begin < end and (block := file.read(min(_NEAR, end - begin))):
        if block.count(0) < len(block):
            return False
        begin += len(block)
    return True


def _last_chunks(file: BinaryIO, form: _Form, begin: int, size: int) -> int:
    """Where known chunks begin that lead to the end of the file one after the other; its end where there are none."""
    first = max(begin, size - _NEAR)
    file.seek(first)
    tail = file.read(size - first)
    places = [at for name in _KNOWN for at in _places(tail, name)]
    good: set[int] = set()
    # From the last to the first, so that each is looked at once whatever the file holds.
    for at in sorted(places, reverse=True):
        head = tail[at : at + form.head]
        if len(head) == form.head:
            end = _chunk(head, form, first + at).end
            if abs(size - end) < form.aligned or end in good or end + -end % form.aligned in good:
                good.add(first + at)
    return min(good, default=size)


def _places(tail: bytes, name: bytes) -> Iterator[int]:
    at = tail.find(name)
    while at >= 0:
        yield at
        at = tail.find(name, at + 1)


def _header(file: BinaryIO, form: _Form, top: bytes, described: Chunk, count: int) -> bytes:
    file.seek(described.begin)
    content = file.read(min(max(described.end - described.begin, 0), 4096))
    content += bytes(len(content) % 2)
    if form is _AIFF:
        samples = b"SSND" + min(count + 8, 0xFFFFFFFE).to_bytes(4, "big") + bytes(8)
        chunks = top[8:12] + b"COMM" + len(content).to_bytes(4, "big") + content + samples
        return b"FORM" + min(len(chunks) + count, 0xFFFFFFFE).to_bytes(4, "big") + chunks
    # W64 describes its samples as WAV does. The largest size means "to the end of the file".
    samples = b"data" + min(count, 0xFFFFFFFF).to_bytes(4, "little")
    chunks = b"WAVEfmt " + len(content).to_bytes(4, "little") + content + samples
    return b"RIFF" + min(len(chunks) + count, 0xFFFFFFFF).to_bytes(4, "little") + chunks
