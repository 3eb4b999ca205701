"""Files of NumPy arrays, read only after what they claim of their size has been held against their size."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np

from crossspace.data.foreign.signs import refuse_other_kinds
from crossspace.errors import DataError
from crossspace.reading import reading

_SUFFIX = ".npy"
_PACKED_AT_MOST = 1100
"""Bytes out of one packed byte; zlib reaches 1032."""

_PLAIN_KINDS = "biufcSUMm"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_ADVICE = "Save arrays of strings and numbers (no objects) with numpy.savez."


def load_arrays(source: Path, names: Collection[str], expected: str) -> dict[str, np.ndarray | None]:
    """The named arrays of an ``.npz`` file or a folder of ``.npy`` files; ``None`` in place of those not named.

    Raises:
        DataError: there is no such source, it is something else, or a named array is damaged or holds objects.
    """
    with reading(source, expected, _ADVICE) as place:
        if source.is_dir():
            files = {path.stem: path for path in sorted(source.glob("*" + _SUFFIX))}
            if not files:
                raise DataError(f"{source}: {expected} is expected. Found a folder without .npy files.")
            return {name: _of_file(path) if name in names else None for name, path in files.items()}
        # A ZIP without .npy members has no array either, which the mapping then says in better words.
        refuse_other_kinds(source, ("npz", "zip"), expected)
        with zipfile.ZipFile(source) as archive:
            arrays: dict[str, np.ndarray | None] = {}
            for member in archive.infolist():
                name = member.filename.removesuffix(_SUFFIX)
                place.at = f"member {name!r}"
                if name in arrays and name in names:
                    raise DataError(f"{source}: every array should occur once. Found {name!r} twice. {_ADVICE}")
                arrays[name] = _of_member(archive, member, source) if name in names else None
            return arrays


def _of_file(path: Path) -> np.ndarray:
    with reading(path, "a NumPy array (.npy)", _ADVICE), open(path, "rb") as file:
        return _array(file, os.fstat(file.fileno()).st_size)


def _of_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Path) -> np.ndarray:
    size = os.path.getsize(source)
    # The directory of an archive may lie: a small file could ask for terabytes before a byte is unpacked.
    if member.compress_size > size or member.file_size > member.compress_size * _PACKED_AT_MOST + 1000:
        raise ValueError(f"it claims {member.file_size:,} bytes in {member.compress_size:,} packed ones")
    with archive.open(member) as file:
        return _array(file, member.file_size)


def _array(file: IO[bytes], size: int) -> np.ndarray:
    """One array of a stream that holds ``size`` bytes.

    Raises:
        ValueError: it is none, or its header claims another size than there is.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"its format has the version {version}; 1.0 and 2.0 are read")
    shape, fortran, dtype = _HEADERS[version](file)
    if dtype.hasobject or dtype.kind not in _PLAIN_KINDS or not dtype.itemsize:
        raise ValueError(f"plain arrays hold no objects and no structures, this one {dtype}")
    # type, not isinstance: True is an int too, and no length of a side.
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"its shape is {shape}")
    claimed, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if claimed != there:
        raise ValueError(f"its header claims {claimed:,} bytes ({dtype}, shape {shape}), there are {there:,}")
    # Read by hand and not by np.load, which allocates what the header claims and would unpickle objects.
    data = file.read(claimed)
    if len(data) != claimed:
        raise ValueError(f"it ends after {len(data):,} of {claimed:,} bytes")
    # np.frombuffer refuses an empty buffer.
    array = np.frombuffer(data, dtype) if claimed else np.empty(0, dtype)
    _possible(array)
    return array.reshape(shape, order="F" if fortran else "C")


def _possible(array: np.ndarray) -> None:
    """Refuse bytes that stand for nothing of their type: NumPy would take them as they are."""
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise ValueError("truth values are neither true nor false")
    if array.dtype.kind == "U":
        points = array.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if (points > 0x10FFFF).any() or ((points >= 0xD800) & (points < 0xE000)).any():
            raise ValueError("it holds text beyond Unicode")
