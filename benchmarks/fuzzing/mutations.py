"""Ways to damage a file: by bytes, and by the structure of text, JSON, archives of arrays and Parquet."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Mutation = Callable[[bytes, random.Random], bytes]

LARGEST = 300_000
"""Bytes up to which a part of a file is made longer."""

_ODD_BYTES = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\n",
    b"(" * 50,
    b"[" * 5000,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\0" * 8,
)
_ODD_WORDS = (
    "1e400",
    "-1",
    "9" * 400,
    "nan",
    "\ud800",
    "\0",
    "null",
    "true",
    "[",
    "{}",
    "é" * 3000,
    "a: b",
    "- " * 900,
)
_ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e300, 2**63, 2**70, -(2**31), "", "x", "\ud800", "\0", "nan", "9" * 5000, [], {}, [None],
    {"a": []}, float("nan"), float("inf"), [[[[]]]], "A" * 100_000,
)  # fmt: skip


def by_bytes(data: bytes, draw: random.Random) -> bytes:
    """A few bytes flipped, overwritten, cut out, put in, moved, or the end cut off."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8, 40))):
        at, span = draw.randrange(len(found) + 1), draw.choice((1, 1, 2, 4, 8, 64, 1024))
        what = draw.randrange(6)
        if what == 0 and at < len(found):
            found[at] ^= 1 << draw.randrange(8)
        elif what == 1:
            odd = draw.choice(_ODD_BYTES)
            found[at : at + len(odd)] = odd
        elif what == 2:
            del found[at : at + span]
        elif what == 3:
            found[at:at] = draw.choice((draw.randbytes(span), bytes(found[at : at + span])))
        elif what == 4:
            other = draw.randrange(len(found) + 1)
            found[at : at + span] = found[other : other + span]
        elif draw.random() < 0.3:
            del found[at:]
    return bytes(found)


def by_words(data: bytes, draw: random.Random) -> bytes:
    """Words and lines of a text exchanged for odd ones."""
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(lines))
        words = lines[at].split(" ")
        what = draw.randrange(4)
        if what == 0:
            words[draw.randrange(len(words))] = draw.choice(_ODD_WORDS)
            lines[at] = " ".join(words)
        elif what == 1:
            lines.insert(at, lines[draw.randrange(len(lines))])
        elif what == 2 and len(lines) > 1:
            del lines[at]
        else:
            lines[at] = (lines[at] * draw.choice((2, 3, 500)))[:LARGEST]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def by_json(data: bytes, draw: random.Random) -> bytes:
    """Values of JSON, or of each line of it, exchanged for odd ones, dropped, or doubled."""
    try:
        lines = [json.loads(line) for line in data.decode().splitlines() if line.strip()]
    except ValueError:
        lines = [json.loads(data)]
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(lines))
        lines[at] = _replaced(lines[at], draw)
    text = "\n".join(json.dumps(line) for line in lines)
    if draw.random() < 0.1:
        text = text.replace(": ", ': {"a": ' * draw.choice((1, 5000)), 1)
    return text.encode()


def _replaced(value: Any, draw: random.Random) -> Any:
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        if draw.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _replaced(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        at = draw.randrange(len(value))
        kept = [*value[:at], *value[at + 1 :]]
        return kept if draw.random() < 0.1 else [*kept[:at], _replaced(value[at], draw), *kept[at:]]
    return draw.choice(_ODD_VALUES)


def by_members(data: bytes, draw: random.Random) -> bytes:
    """Members of an archive damaged, renamed, doubled, or packed in another way; the archive itself stays whole."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = draw.randrange(len(members))
    name, content = members[at]
    what = draw.randrange(4)
    if what == 0:
        members[at] = name, by_header(content, draw)
    elif what == 1:
        members[at] = name, by_bytes(content, draw)
    elif what == 2:
        members[at] = draw.choice((name + "x", "a/" + name, "é.npy")), content
    else:
        members[at] = name, draw.choice((b"", b"text", content[:20], b"\x93NUMPY\x09\x09"))
    out = io.BytesIO()
    packing = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def by_header(data: bytes, draw: random.Random) -> bytes:
    """The header of an array file made to say something else, of the same length where that is possible."""
    start, stop = 10, 10 + int.from_bytes(data[8:10], "little")
    shape = draw.choice(
        ("(9999999999,)", "(-1,)", "()", "(1,1)", "(2**70,)", "(0,)", "(3,10**9)", "[5]", "(True,)", "(1e3,)")
    )
    kind = draw.choice(
        ("<f8", "|O", "<U1000000", "|V8", "<M8[s]", "<c16", "|b1", "<i8", ">f4", "|S0", "f4,f4", "<U99999999999")
    )
    header = f"{{'descr': '{kind}', 'fortran_order': {draw.choice(('True', 'False', '3'))}, 'shape': {shape}, }}"
    if draw.random() < 0.4:
        header = data[start:stop].decode("latin-1").replace("'shape'", draw.choice(("'shapes'", "'shape'")))
        header = header.replace("(", draw.choice(("(", "(9", "((")), 1).strip()
    written = header.ljust(stop - start - 1).encode("latin-1") + b"\n"
    return data[:8] + len(written).to_bytes(2, "little") + written + data[stop:]


def by_columns(data: bytes, draw: random.Random) -> bytes:
    """Columns, rows and descriptions of a Parquet file changed; the file as such stays whole."""
    table = pq.read_table(io.BytesIO(data))
    what, at = draw.randrange(6), draw.randrange(table.num_columns)
    described = dict(table.schema.metadata or {})
    if what == 0:
        columns = [*table.columns, table.column(at)]
        table = pa.table(columns, names=[*table.column_names, table.column_names[at]])
    elif what == 1:
        table = table.drop_columns([table.column_names[at]])
    elif what == 2:
        table = table.slice(draw.randrange(len(table)), draw.randrange(len(table)))
    elif what == 3:
        table = table.take([draw.randrange(len(table)) for _ in range(len(table))])
    elif what == 4:
        odd = draw.choice((pa.nulls(len(table)), pa.array(["x"] * len(table)), pa.array([2**40] * len(table))))
        table = table.set_column(at, table.column_names[at], odd)
    elif described:
        key = draw.choice(list(described))
        described[key] = draw.choice((by_json, by_bytes))(described[key], draw)
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(described), out, row_group_size=draw.choice((7, 1000)))
    return out.getvalue()
