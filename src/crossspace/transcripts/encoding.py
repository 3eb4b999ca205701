"""The text of a file in whichever encoding it was saved."""

from __future__ import annotations

import codecs

from crossspace.errors import DataError
from crossspace.stores import Place
from crossspace.transcripts.bounds import LARGEST, check_lines

_C1 = {code: bytes([code]).decode("cp1252", errors="ignore") or None for code in range(0x80, 0xA0)}
"""Control codes that nobody writes: bytes of Windows-1252 that passed for Latin-1, such as the quotes of MELD."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

_HEAD = 1000


def read_text(path: Place, name: str, kind: str = "a transcript") -> tuple[str, tuple[str, ...]]:
    """The text of a file and notes on how it was read: UTF-8, UTF-16 where its first bytes say so, else Windows-1252.

    Args:
        path: of the file.
        name: how messages call it.
        kind: what messages say it should be.

    Raises:
        DataError: there is no such file, it is larger than :data:`~crossspace.transcripts.bounds.LARGEST`
            or has too many lines, or it is not text.
    """
    check_file(path, name, kind)
    text, notes = _decoded(path.read_bytes(), name)
    # Text has no NUL, and nearly every binary file does; Windows-1252 would accept all its bytes.
    if "\0" in text:
        raise DataError(f"{name} should be {kind} in plain text. Found binary data. Is it a recording or a document?")
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_C1)
    check_lines(text, name)
    return text, notes


def check_file(path: Place, name: str, kind: str = "a transcript") -> None:
    """Raise :class:`DataError` where there is no such file, or one of more than :data:`~.bounds.LARGEST` bytes."""
    if not path.is_file():
        kind_of_path = "a folder" if path.is_dir() else "no such file"
        raise DataError(f"{name} should be {kind}. Found {kind_of_path}. Check the path.")
    # Before it is read: a recording named .txt would fill the memory.
    size = path.stat().st_size
    if size > LARGEST:
        raise DataError(
            f"{name} should be {kind} of at most {LARGEST / 1e6:.0f} MB. Found {size / 1e6:.1f} MB. Is it a recording?"
        )


def _unmarked(head: bytes) -> str | None:
    """UTF-16 without a mark: of text in Latin letters half of the bytes are zero, all in the same places."""
    first, second = head[::2], head[1::2]
    if 10 * second.count(0) > 6 * len(second) and 0 not in first:
        return "utf-16-le"
    return "utf-16-be" if 10 * first.count(0) > 6 * len(first) and 0 not in second else None


def _decoded(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), ()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{name} begins as {encoding} text, but byte {error.start} does not go on so. Save it as UTF-8."
                ) from error
    if (unmarked := _unmarked(data[:_HEAD])) is not None:
        try:
            return data.decode(unmarked), ()
        except UnicodeDecodeError:
            pass
    # Strict UTF-8 hardly ever fits by chance, so it is tried before the encoding that accepts anything.
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        note = f"{name} is not UTF-8; it was read as Windows-1252. If letters look wrong, save it as UTF-8."
        return data.decode("cp1252", errors="replace"), (note,)
