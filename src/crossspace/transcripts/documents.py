"""Documents of word processors, as meeting programs save transcripts: their paragraphs as lines."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crossspace.errors import DataError
from crossspace.transcripts.bounds import LARGEST, check_lines
from crossspace.transcripts.spaces import joined
from crossspace.transcripts.xml_events import Closing, Content, Event, Opening, events

DOCUMENTS = (".docx", ".odt")
"""Endings of their names."""
LARGEST_XML = 5 * LARGEST
"""Bytes of a document when it is unpacked: most of them say how the text looks."""
_MOST_MEMBERS = 10_000
_PIECE = 65_536
_ENTRY = b"PK\x01\x02"
"""What each entry of the table of contents of a zip file begins with."""


@dataclass(frozen=True)
class _Dialect:
    """The elements of a kind of document; ``text`` is empty where text stands in paragraphs directly."""

    name: str
    paragraphs: frozenset[str]
    text: str
    breaks: frozenset[str]
    row: str
    cell: str
    skipped: frozenset[str]


_WORD = _Dialect(
    "Word", frozenset({"p"}), "t", frozenset({"br", "cr"}), "tr", "tc",
    # Fallback repeats what stands beside it; the others are settings and what was deleted.
    frozenset({"Fallback", "del", "moveFrom", "pPr", "rPr"}),
)  # fmt: skip
_OPEN = _Dialect(
    "OpenDocument", frozenset({"p", "h"}), "", frozenset({"line-break"}), "table-row", "table-cell",
    frozenset({"annotation", "tracked-changes", "note", "forms"}),
)  # fmt: skip
_WORD_MEMBER = re.compile(r"word/document\d{0,3}\.xml")


def document_text(path: Path, name: str) -> tuple[str, tuple[str, ...]] | None:
    """The paragraphs of a document as lines, a row of a table as cells with tabs between, and a note that says so.

    Args:
        path: of a file that is not too large.
        name: how messages call it.

    Returns:
        ``None`` where it is no document, nor anything else that is packed.

    Raises:
        DataError: it is a sheet, slides or an archive, or is larger when it is unpacked than any transcript.
    """
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return None
    # Counted first: the table of contents of a hostile file, as objects, would take the memory this is to save.
    if path.read_bytes().count(_ENTRY) > _MOST_MEMBERS:
        raise DataError(f"{name} should be a transcript. Found a zip archive of more than {_MOST_MEMBERS:,} files.")
    with zipfile.ZipFile(path) as archive:
        member, dialect = _main_part(archive, name)
        reader = _Paragraphs(dialect)
        for event in events(_pieces(archive, member, name), name):
            reader.take(event)
    text = "\n".join(reader.lines)
    if len(text) > LARGEST:
        raise DataError(f"{name} should hold at most {LARGEST / 1e6:.0f} MB of text. Found more. Cut it into parts.")
    check_lines(text, name)
    return text, (f"{name} is a document ({dialect.name}); its paragraphs were read as lines.",)


def _main_part(archive: zipfile.ZipFile, name: str) -> tuple[zipfile.ZipInfo, _Dialect]:
    members = {member.filename: member for member in archive.infolist()}
    if word := next((member for own, member in members.items() if _WORD_MEMBER.fullmatch(own)), None):
        return word, _WORD
    kind = ""
    if "mimetype" in members:
        with archive.open(members["mimetype"]) as file:
            kind = file.read(100).decode("ascii", "replace")
    if "content.xml" in members and kind.startswith("application/vnd.oasis.opendocument.text"):
        return members["content.xml"], _OPEN
    if any(own.startswith("xl/") for own in members) or "spreadsheet" in kind:
        raise DataError(f"{name} should be a transcript. Found a spreadsheet. Save its sheet as CSV and give that.")
    if any(own.startswith("ppt/") for own in members) or "presentation" in kind:
        raise DataError(f"{name} should be a transcript. Found slides. Give what was said as text.")
    raise DataError(f"{name} should be a transcript. Found a zip archive. Unpack it and give the transcript in it.")


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    # Other ways of packing ask for as much memory as the file says.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{name} is packed in a way that documents are not. Save it again in its program.")
    size = 0
    with archive.open(member) as file:
        # What the file says of its size may be wrong: what comes out is counted.
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > LARGEST_XML:
                raise DataError(
                    f"{name} should be at most {LARGEST_XML / 1e6:.0f} MB when it is unpacked. Found more. Cut it into "
                    "parts, or save it as plain text."
                )
            yield piece


@dataclass
class _Paragraphs:
    """What was read of a document so far; paragraphs can stand inside of others, tables inside of tables."""

    dialect: _Dialect
    lines: list[str] = field(default_factory=list)
    open: list[list[str]] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    rows: int = 0
    skipped: int = 0
    in_text: bool = False

    def take(self, event: Event) -> None:
        match event:
            case Opening(element, _):
                self._begin(element)
            case Closing(element):
                self._end(element)
            case Content(text) if self.open and not self.skipped and (self.in_text or not self.dialect.text):
                # A new line in the file is a space: those that are seen are elements.
                self.open[-1].append(text.replace("\n", " "))

    def _begin(self, element: str) -> None:
        if self.skipped or element in self.dialect.skipped:
            self.skipped += 1
        elif element in self.dialect.paragraphs:
            self.open.append([])
        elif element == self.dialect.row:
            self.rows += 1
        elif element == self.dialect.cell and self.rows == 1:
            self.cells.append([])
        elif element == self.dialect.text:
            self.in_text = True
        elif self.open:
            sign = "\n" if element in self.dialect.breaks else {"tab": "\t", "s": " "}.get(element, "")
            self.open[-1] += [sign] if sign else []

    def _end(self, element: str) -> None:
        if self.skipped:
            self.skipped -= 1
        elif element in self.dialect.paragraphs:
            text = "".join(self.open.pop())
            if self.cells:
                self.cells[-1].append(text)
            else:
                self.lines += text.split("\n")
        elif element == self.dialect.row:
            self.rows -= 1
            if not self.rows:
                self.lines.append("\t".join(joined(" ".join(cell)) for cell in self.cells))
                self.cells = []
        elif element == self.dialect.text:
            self.in_text = False
