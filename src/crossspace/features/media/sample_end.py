"""Where the samples of a file of chunks end, whatever its header counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from crossspace.features.media.chunks import NEAR, Form, chunk_at, chunks_from

_SCRAP = 1024
"""Bytes behind the samples that are no chunk and too few to be worth hearing: a tag, or an unfinished block."""
_MOST_ZEROS = 64 << 20
"""Bytes of zeros that are enough to know that nothing else follows."""
_KNOWN = (
    b"LIST", b"list", b"INFO", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX", b"axml", b"cue ", b"smpl", b"inst", b"fact",
    b"PEAK", b"JUNK", b"junk", b"PAD ", b"FLLR", b"afsp", b"acid", b"strc", b"regn", b"umid", b"DISP", b"MD5 ", b"cart",
    b"levl", b"plst", b"minf", b"elm1", b"ovwf", b"RIFF", b"FORM", b"MARK", b"COMT", b"NAME", b"AUTH", b"ANNO", b"(c) ",
    b"APPL", b"INST", b"SAUR", b"LGWV", b"SyLp", b"Cr8r", b"link", b"wavl", b"slnt", b"chna", b"basc", b"trns",
)  # fmt: skip
"""Chunks that are found behind the samples of real files."""


def end_of_samples(file: BinaryIO, form: Form, begin: int, stated: int | None, size: int) -> tuple[int, bool]:
    """Where the samples end, and whether another recording follows there.

    Args:
        file: to look into.
        form: how it writes its chunks.
        begin: of the samples.
        stated: bytes that the header counts; ``None`` where it says that it does not know.
        size: of the file.
    """
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


def _follows(file: BinaryIO, form: Form, at: int, size: int) -> bool | None:
    """Whether the chunks from ``at`` to the end of the file hold another recording; ``None`` where there are no chunks.

    Samples that happen to look like the name of a chunk do not also lead to the end of the file by its size.
    """
    another = False
    for chunk in chunks_from(file, form, at, size):
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
    while begin < end and (block := file.read(min(NEAR, end - begin))):
        if block.count(0) < len(block):
            return False
        begin += len(block)
    return True


def _last_chunks(file: BinaryIO, form: Form, begin: int, size: int) -> int:
    """Where known chunks begin that lead to the end of the file one after the other; its end where there are none."""
    first = max(begin, size - NEAR)
    file.seek(first)
    tail = file.read(size - first)
    places = [at for name in _KNOWN for at in _places(tail, name)]
    good: set[int] = set()
    # From the last to the first, so that each is looked at once whatever the file holds.
    for at in sorted(places, reverse=True):
        head = tail[at : at + form.head]
        if len(head) == form.head:
            end = chunk_at(head, form, first + at).end
            if abs(size - end) < form.aligned or end in good or end + -end % form.aligned in good:
                good.add(first + at)
    return min(good, default=size)


def _places(tail: bytes, name: bytes) -> Iterator[int]:
    at = tail.find(name)
    while at >= 0:
        yield at
        at = tail.find(name, at + 1)
