"""The opcodes of a pickle that bring numbers, strings and names."""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable
from typing import Any

from crossspace.data.foreign.pickles.machine import Damaged, Machine
from crossspace.data.foreign.pickles.names import named

LEAVES: dict[int, Callable[[Machine], None]] = {}

_RUN, _LONG_RUN = 64, 4096
"""Floats in a row that are looked for at once."""


def _pushes(opcode: bytes, value: Callable[[Machine], Any]) -> None:
    LEAVES[opcode[0]] = lambda machine: machine.stack.append(value(machine))


def _floats(machine: Machine) -> None:
    # Lists of a million floats are common: struct reads a whole row of them, opcode bytes skipped as padding (x).
    data, start = machine.data, machine.at - 1
    opcodes = data[start : start + 9 * _RUN : 9]
    # A short look first: most floats stand alone or in short rows, and a long slice each would cost the square.
    if opcodes == pickle.BINFLOAT * _RUN:
        opcodes = data[start : start + 9 * _LONG_RUN : 9]
    count = min(len(opcodes) - len(opcodes.lstrip(pickle.BINFLOAT)), (len(data) - start) // 9)
    if not count:
        raise Damaged("it ends in the middle")
    machine.stack += struct.unpack_from(">" + "xd" * count, data, start)
    machine.at = start + 9 * count


def _decimal(machine: Machine) -> None:
    # Protocol 0 writes True and False as the integers 01 and 00.
    line = machine.line()
    machine.stack.append(line == b"01" if line in (b"00", b"01") else int(line))


def _quoted(machine: Machine) -> None:
    line = machine.line().strip()
    if len(line) < 2 or line[0] != line[-1] or line[:1] not in (b"'", b'"'):
        raise Damaged("a text has no quotes around it")
    # escape_decode undoes what repr wrote; it evaluates nothing.
    machine.stack.append(machine.text(codecs.escape_decode(line[1:-1])[0]))


_pushes(pickle.NONE, lambda m: None)
_pushes(pickle.NEWTRUE, lambda m: True)
_pushes(pickle.NEWFALSE, lambda m: False)
_pushes(pickle.BININT, lambda m: int.from_bytes(m.take(4), "little", signed=True))
_pushes(pickle.BININT1, lambda m: m.number(1))
_pushes(pickle.BININT2, lambda m: m.number(2))
_pushes(pickle.LONG1, lambda m: int.from_bytes(m.take(m.number(1)), "little", signed=True))
_pushes(pickle.LONG4, lambda m: int.from_bytes(m.take(m.number(4)), "little", signed=True))
_pushes(pickle.LONG, lambda m: int(m.line().rstrip(b"L")))
_pushes(pickle.FLOAT, lambda m: float(m.line()))
_pushes(pickle.SHORT_BINSTRING, lambda m: m.text(m.take(m.number(1))))
_pushes(pickle.BINSTRING, lambda m: m.text(m.take(m.number(4))))
_pushes(pickle.SHORT_BINBYTES, lambda m: m.take(m.number(1)))
_pushes(pickle.BINBYTES, lambda m: m.take(m.number(4)))
_pushes(pickle.BINBYTES8, lambda m: m.take(m.number(8)))
_pushes(pickle.BYTEARRAY8, lambda m: bytearray(m.take(m.number(8))))
_pushes(pickle.UNICODE, lambda m: m.line().decode("raw-unicode-escape"))
_pushes(pickle.SHORT_BINUNICODE, lambda m: m.take(m.number(1)).decode("utf-8", "surrogatepass"))
_pushes(pickle.BINUNICODE, lambda m: m.take(m.number(4)).decode("utf-8", "surrogatepass"))
_pushes(pickle.BINUNICODE8, lambda m: m.take(m.number(8)).decode("utf-8", "surrogatepass"))
_pushes(pickle.EMPTY_TUPLE, lambda m: ())
_pushes(pickle.GLOBAL, lambda m: named(m.line().decode(), m.line().decode()))
LEAVES[pickle.BINFLOAT[0]] = _floats
LEAVES[pickle.INT[0]] = _decimal
LEAVES[pickle.STRING[0]] = _quoted
