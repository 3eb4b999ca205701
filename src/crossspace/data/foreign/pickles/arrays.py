"""NumPy arrays of a pickle, built from checked statements; NumPy's own reconstruction is never asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crossspace.data.foreign.pickles.limits import Ledger, Refused, Unfinished

_KINDS = "biufcSUO"
"""Kinds of arrays that are read: numbers, booleans, strings, and arrays of objects, which are read one by one."""

_LONGEST_SIDE, _MOST_SIDES = 2**40, 32


class Type(Unfinished):
    """An array type in the making: only numbers, strings and objects, never structures."""

    def __init__(self, ledger: Ledger, code: Any, *flags: Any) -> None:
        super().__init__()
        plain = code.lstrip("<>|=") if isinstance(code, str) else ""
        # np.dtype understands a small language (fields, dates, lists of types): only letter and size reach it.
        if plain[:1] not in _KINDS or not plain[1:].isdecimal() or len(plain) > 10:
            raise Refused(f"the array type {_shown(code)}")
        self._type = np.dtype(code)
        if not self._type.itemsize:
            raise Refused(f"the array type {_shown(code)}, whose items hold nothing")

    def finish(self, state: Any) -> np.dtype:
        """The type with the order of bytes that ``state`` names."""
        plain = isinstance(state, tuple) and len(state) >= 8 and state[1] in ("<", ">", "|", "=")
        # The parts 2 to 4 are fields and subarrays: structures, which are not read.
        if not plain or any(part is not None for part in state[2:5]) or state[5] not in (-1, self._type.itemsize):
            raise Refused(f"the array type {self._type.str!r} with the state {_shown(state)}")
        return self._type.newbyteorder(state[1]) if state[1] in "<>" else self._type


class Array(Unfinished):
    """An array in the making."""

    def __init__(self, ledger: Ledger, *_: Any) -> None:
        super().__init__()
        self._ledger = ledger

    def finish(self, state: Any) -> np.ndarray:
        """The array that ``state`` describes, of an own list or own bytes of exactly the right length."""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Refused("an array whose state is no tuple of four or five")
        shape, dtype, fortran, raw = state[-4:]
        order = "F" if fortran else "C"
        if isinstance(dtype, np.dtype) and dtype.kind == "O":
            return _of_objects(self._ledger, raw, _shape(shape))
        return from_bytes(self._ledger, raw, dtype, shape, order)


def from_bytes(ledger: Ledger, raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """An array over the bytes of the file."""
    kind, shape = _type(dtype), _shape(shape)
    if kind.kind == "O" or order not in ("C", "F"):
        raise Refused(f"an array of {kind} in order {_shown(order)} from a buffer")
    data = _bytes(ledger, raw)
    wanted = math.prod(shape) * kind.itemsize
    if len(data) != wanted:
        raise Refused(f"an array of {wanted} bytes ({kind.str}, shape {shape}) made of {len(data)} bytes")
    if not wanted:
        return np.empty(shape, kind, order=order)
    array = np.frombuffer(data, kind)
    _possible(array)
    return array.reshape(shape, order=order)


def scalar(ledger: Ledger, dtype: Any, raw: Any) -> Any:
    """A single NumPy number or string."""
    kind = _type(dtype)
    if kind.kind == "O":
        raise Refused("a scalar that is an object")
    # The usual number, without the checks that only truth values and text need: files hold them by the million.
    if kind.kind in "fiuc" and type(raw) is bytes and len(raw) == kind.itemsize:
        return np.frombuffer(raw, kind)[0]
    return from_bytes(ledger, raw, kind, (1,), "C")[0]


def _of_objects(ledger: Ledger, items: Any, shape: tuple[int, ...]) -> np.ndarray:
    """An array of a list of its items, which NumPy writes row by row also where the array lies column by column."""
    if type(items) is not list or len(items) != math.prod(shape):
        source = f"{len(items)} objects" if type(items) is list else f"a {type(items).__name__}"
        raise Refused(f"an array of {math.prod(shape)} objects (shape {shape}) made of {source}")
    # A pointer of 8 bytes for each object.
    ledger.build(8 * len(items))
    array = np.fromiter(items, dtype=object, count=len(items)).reshape(shape)
    return ledger.closed(array, items)


def _possible(array: np.ndarray) -> None:
    """Refuse bytes that stand for nothing of their type: NumPy would take them as they are."""
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise Refused("an array of truth values that are neither true nor false")
    if array.dtype.kind == "U":
        points = array.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if (points > 0x10FFFF).any():
            raise Refused("an array of text beyond Unicode")


def _type(dtype: Any) -> np.dtype:
    if not isinstance(dtype, np.dtype):
        raise Refused(f"the array type {_shown(dtype)}")
    return dtype


def _shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is tuple and len(shape) == 1 and type(shape[0]) is int and 0 <= shape[0] <= _LONGEST_SIDE:
        return shape
    shape = (shape,) if type(shape) is int else shape
    sides = isinstance(shape, tuple) and len(shape) <= _MOST_SIDES
    if not sides or not all(type(n) is int and 0 <= n <= _LONGEST_SIDE for n in shape):
        raise Refused(f"the array shape {_shown(shape)}")
    # max(n, 1): a side of 0 would hide the others, however long, and NumPy multiplies them all.
    if math.prod(max(n, 1) for n in shape) > _LONGEST_SIDE:
        raise Refused(f"the array shape {_shown(shape)}")
    return shape


def _bytes(ledger: Ledger, raw: Any) -> bytes | bytearray:
    if isinstance(raw, str):
        ledger.build(len(raw))
        return raw.encode("latin-1")
    if not isinstance(raw, (bytes, bytearray)):
        raise Refused(f"array data of type {type(raw).__name__}")
    return raw


def _shown(value: Any) -> str:
    """A value in a message, of bearable length: it comes from a file that may say anything."""
    if isinstance(value, int):
        return "that is a very large number" if value.bit_length() > 64 else str(value)
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, tuple) and len(value) <= 12:
        return "(" + ", ".join(_shown(part) if not isinstance(part, tuple) else "(...)" for part in value) + ")"
    return f"a {type(value).__name__}"
