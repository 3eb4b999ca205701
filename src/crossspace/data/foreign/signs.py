"""What a file is, by the bytes it begins with: what its name says may be wrong."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO

from crossspace.errors import DataError
from crossspace.stores import Where, place
from crossspace.stores.ranges import RangeFile

_HEAD = 4096


@dataclass(frozen=True)
class Sign:
    """A kind of file.

    Attributes:
        kind: a short name, for code.
        what: what it is called in messages.
        advice: what to do with it where features are to be imported.
    """

    kind: str
    what: str
    advice: str


_ARRAYS = "Save its arrays with numpy.savez and import them with --format arrays."
_EXTRACT = "Make features of recordings with `crossspace extract`."
_UNPACK = "Unpack it first, then import what is in it."
_AGAIN = "Open it in an editor to see what came instead of the data, and download the data again."

PICKLE = Sign("pickle", "a pickle", "Import it with --format sdt (tables by conversation) or --format mmsa (splits).")
NPZ = Sign("npz", "an archive of NumPy arrays (.npz)", "Import it with --format arrays.")
NPY = Sign("npy", "a NumPy array (.npy)", "Put all arrays into one folder and import that with --format arrays.")
TORCH = Sign(
    "torch",
    "a file that torch.save wrote",
    "Load it with torch.load(path, weights_only=True), save its arrays with numpy.savez, and import them with "
    "--format arrays.",
)
PARQUET = Sign(
    "parquet",
    "a Parquet file",
    "If it is a corpus, it needs no import: give it to --data. Otherwise save its columns with numpy.savez and import "
    "them with --format arrays.",
)
CUT_PARQUET = Sign("broken", "a Parquet file whose end is missing: it is truncated", "Copy it again.")
HDF5 = Sign("hdf5", "an HDF5 file (.h5, .hdf5, .mat, .csd of the CMU SDK)", "Read it with h5py. " + _ARRAYS)
TABLE = Sign("table", "a table as text (CSV)", "Read it with pandas. " + _ARRAYS)
JSON = Sign("json", "JSON", "A conversation as JSON is for `crossspace predict`. " + _ARRAYS)
EMPTY = Sign("empty", "an empty file", "Download it again.")

_MAGIC: tuple[tuple[bytes, Sign], ...] = (
    (b"\x93NUMPY", NPY),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"PAR1", PARQUET),
    (b"ARROW1", Sign("arrow", "an Arrow or Feather file", "Read it with pyarrow. " + _ARRAYS)),
    (b"FEA1", Sign("arrow", "a Feather file", "Read it with pyarrow. " + _ARRAYS)),
    (b"\x1f\x8b", Sign("gzip", "a file compressed by gzip", "Unpack it first (gunzip), then import what is in it.")),
    (b"BZh", Sign("bzip2", "a file compressed by bzip2", "Unpack it first (bunzip2), then import what is in it.")),
    (b"\xfd7zXZ\0", Sign("xz", "a file compressed by xz", "Unpack it first (unxz), then import what is in it.")),
    (b"\x28\xb5\x2f\xfd", Sign("zstd", "a file compressed by Zstandard", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Sign("7z", "a 7-Zip archive", _UNPACK)),
    (b"Rar!\x1a\x07", Sign("rar", "a RAR archive", _UNPACK)),
    (b"MATLAB 5.0 MAT-file", Sign("matlab", "a MATLAB file", "Read it with scipy.io.loadmat. " + _ARRAYS)),
    (b"SQLite format 3\0", Sign("sqlite", "an SQLite database", _ARRAYS)),
    (b"version https://git-lfs", Sign("lfs", "a pointer of Git LFS, not the file itself", "Run `git lfs pull`.")),
    (b"%PDF-", Sign("pdf", "a PDF document", _AGAIN)),
    (b"RIFF", Sign("recording", "a recording", _EXTRACT)),
    (b"\x1aE\xdf\xa3", Sign("recording", "a recording (Matroska)", _EXTRACT)),
    (b"\xd0\xcf\x11\xe0", Sign("office", "an old Office document", _ARRAYS)),
)  # fmt: skip
_LEGACY_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def sign_of(path: Where, file: IO[bytes] | RangeFile | None = None) -> Sign | None:
    """What a file is; ``None`` where its bytes say nothing that is known here.

    Args:
        path: the file.
        file: the same as an open one, if it is open.
    """
    with nullcontext(file) if file is not None else place(path).open("rb", buffering=0) as opened:
        head = opened.read(_HEAD)
        # A Parquet file ends with its magic as well: what was cut short while copying lacks it.
        opened.seek(-min(len(head), 4), os.SEEK_END)
        tail = opened.read()
    if not head:
        return EMPTY
    for magic, sign in _MAGIC:
        if head.startswith(magic):
            return sign if sign is not PARQUET or (tail == magic and len(head) > 8) else CUT_PARQUET
    # npz, torch, Office and plain archives are all ZIP: only the names of their members tell them apart.
    if head.startswith(b"PK"):
        return _archive(path)
    # These signs do not stand at the beginning, so they come after the table of those that do.
    if head[257:262] == b"ustar":
        return Sign("tar", "a tar archive", "Unpack it first (tar -xf), then import what is in it.")
    if head[4:8] == b"ftyp":
        return Sign("recording", "a recording (MP4)", _EXTRACT)
    # safetensors begins with the length of its JSON header; the bound keeps chance from passing for one.
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 100_000_000:
        return Sign("safetensors", "a safetensors file", "Load it with safetensors.numpy. " + _ARRAYS)
    # Protocols 2 to 5 of pickle begin with PROTO and their number; older torch.save wrote a pickled magic number.
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return TORCH if head[2:].startswith(_LEGACY_TORCH) else PICKLE
    return _text(head)


def refuse_other_kinds(
    path: Where, kinds: Collection[str], expected: str, file: IO[bytes] | RangeFile | None = None
) -> None:
    """Refuse a file whose bytes say that it is something else.

    Args:
        path: the file.
        kinds: of the signs that are wanted; what bears no sign passes.
        expected: what is wanted, for the message.
        file: the same as an open one, if it is open.

    Raises:
        DataError: the file is something else; the message says what, and what to do with it.
    """
    sign = sign_of(path, file)
    if sign is not None and sign.kind not in kinds:
        raise DataError(f"{path}: {expected} is expected. Found {sign.what}. {sign.advice}")


def _archive(path: Where) -> Sign:
    try:
        with place(path).open("rb") as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return Sign("broken", "a ZIP archive whose end is missing or damaged", "Download it again.")
    if any(name.endswith("/data.pkl") for name in names):
        return TORCH
    if any(name.startswith(("xl/", "word/")) for name in names):
        return Sign("office", "an Office document", "Save the sheet as CSV and read it with pandas. " + _ARRAYS)
    return NPZ if any(name.endswith(".npy") for name in names) else Sign("zip", "a ZIP archive", _UNPACK)


def _text(head: bytes) -> Sign | None:
    """Text is known by what is in it; a pickle of protocol 0 is text as well."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:14].lower().startswith((b"<!doctype html", b"<html", b"<head")):
        return Sign("html", "a web page", "It is probably a notice in place of the download. " + _AGAIN)
    line = start.split(b"\n", 1)[0].rstrip(b"\r")
    if b"\0" in head or not line:
        return None
    if start[:1] == b"{" or start[:2] in (b"[{", b"[[", b'["', b"[\n"):
        return JSON
    # A pickle of protocol 0 begins with one of these opcodes: such a line needs a comma or a tab to be a table.
    if line[:1] not in b"(]}[cIFLSVNl" or b"," in line or b"\t" in line:
        return TABLE if max(line.count(c) for c in (b",", b"\t", b";")) > 0 else None
    return None
