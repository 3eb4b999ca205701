"""The opcodes of an array as it is usually written, read at once: files hold them hundreds of thousands of times."""

from __future__ import annotations

import re

import numpy as np

from crossspace.data.foreign.pickles.arrays import from_bytes
from crossspace.data.foreign.pickles.machine import Machine
from crossspace.data.foreign.pickles.names import Named

_GET, _PUT, _SIDES = rb"(?:h.|j.{4})", rb"(?:\x94|q.|r.{4})", rb"(?:K.|M..|J.{3}[\0-\x7f])"
_HEAD = re.compile(
    rb"(?P<array>%(get)b)K\0\x85(?P<first>%(put)b)%(get)b\x87%(put)bR%(put)b\(K\x01(?P<shape>%(sides)b{1,3})"
    rb"[\x85-\x87]%(put)b(?P<type>%(get)b)(?P<order>[\x88\x89])"
    rb"(?:C(?P<short>.)|B(?P<long>.{4})|(?P<encode>%(get)b)X(?P<text>.{4}))"
    % {b"get": _GET, b"put": _PUT, b"sides": _SIDES},
    re.DOTALL,
)
_TAIL = re.compile(rb"%(put)bt(?P<last>%(put)b)b" % {b"put": _PUT}, re.DOTALL)
_TEXT_TAIL = re.compile(
    rb"%(put)b(?P<by>%(get)b)\x86%(put)bR%(put)bt(?P<last>%(put)b)b" % {b"get": _GET, b"put": _PUT}, re.DOTALL
)


def usual_array(machine: Machine) -> bool:
    """Read an array behind the name of its maker, if it is written in the usual way and everything in it is plain.

    Returns:
        whether it was; if not, nothing has changed.
    """
    head = _HEAD.match(machine.data, machine.at)
    if head is None:
        return False
    array, kind = _known(machine, head["array"]), _known(machine, head["type"])
    if (
        not isinstance(array, Named)
        or array.name != "numpy.ndarray"
        or not isinstance(kind, np.dtype)
        or kind.hasobject
    ):
        return False
    length = int.from_bytes(head["short"] or head["long"] or head["text"], "little")
    # Two patterns with the data between them, since a pattern cannot skip a length that it has just read.
    start, stop = head.end(), head.end() + length
    tail = (_TAIL if head["text"] is None else _TEXT_TAIL).match(machine.data, stop)
    if tail is None:
        return False
    raw: bytes = machine.data[start:stop]
    if head["text"] is not None:
        encode, by = _known(machine, head["encode"]), _known(machine, tail["by"])
        if not isinstance(encode, Named) or encode.name != "_codecs.encode" or by not in ("latin1", "latin-1"):
            return False
        raw = raw.decode("utf-8").encode("latin-1")
    # How many values the skipped instructions would have remembered; two more for the call of encode.
    steps = 6 if head["text"] is None else 8
    # An unusual numbering means that somebody refers to what is skipped: leave it to the single instructions.
    if not machine.follows(head["first"], 0) or not machine.follows(tail["last"], steps - 1):
        return False
    shape = _shape(head["shape"])
    machine.stack[-1] = from_bytes(machine.ledger, raw, kind, shape, "F" if head["order"] == b"\x88" else "C")
    # The others are needed while the array is made and never again: they are not remembered.
    machine.remember_inside(steps, 2)
    machine.at = tail.end()
    return True


def _known(machine: Machine, get: bytes) -> object:
    return machine.remembered(int.from_bytes(get[1:], "little"))


def _shape(sides: bytes) -> tuple[int, ...]:
    lengths, at = [], 0
    while at < len(sides):
        # BININT1 (K), BININT2 (M) and BININT (J) and their bytes.
        size = {75: 1, 77: 2, 74: 4}[sides[at]]
        lengths.append(int.from_bytes(sides[at + 1 : at + 1 + size], "little"))
        at += 1 + size
    return tuple(lengths)
