"""Pickles forged from within: honest opcodes, arrays whose parts do not belong together."""

from __future__ import annotations

import pickle
import pickletools
import random
from typing import Any

import numpy as np

from benchmarks.fuzzing.mutations import LARGEST, by_bytes

_ODD_SHAPES = (
    (-1,),
    (2**62,),
    (2**40, 2**40),
    (0,),
    (0, 2**62),
    (3.0,),
    "x",
    None,
    (3, 1),
    (1,) * 40,
    (2**70,),
    (True,),
)
_ODD_CODES = (
    "O8",
    "U3",
    "S5",
    "f8",
    "c16",
    "b1",
    "V8",
    "M8[s]",
    "f4,O",
    "U0",
    "i3",
    "f8" * 9,
    "U99999999",
    7,
    b"f8",
    "?",
)
_ODD_ITEMS = ([], [1], [None] * 100, (1, 2), "text", b"", b"\xff" * 7, b"\0" * 24, 3, {"a": 1}, [[1]] * 3, None)


class _Call:
    """Pickles to a call with these arguments and this state."""

    def __init__(self, function: Any, arguments: tuple, *state: Any) -> None:
        self._parts = function, arguments, *state

    def __reduce__(self) -> Any:
        return self._parts


def forge(_: bytes, draw: random.Random) -> bytes:
    """A new pickle of some protocol with forged arrays in it, sometimes with opcodes moved about or bytes changed."""
    value = {"a": [_thing(draw) for _ in range(3)], _key(draw): _thing(draw)}
    try:
        data = pickle.dumps(value, draw.randrange(pickle.HIGHEST_PROTOCOL + 1))
    except (TypeError, ValueError, RecursionError, pickle.PicklingError):
        data = pickle.dumps([_array(draw)], 2)
    return draw.choice((lambda d, _: d, shuffled, by_bytes))(data, draw)


def shuffled(data: bytes, draw: random.Random) -> bytes:
    """Opcodes dropped, doubled and exchanged."""
    try:
        starts = [at for _, _, at in pickletools.genops(data)]
    except Exception:
        return by_bytes(data, draw)
    parts = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, other = draw.randrange(len(parts)), draw.randrange(len(parts))
        what = draw.randrange(4)
        if what == 0 and len(parts) > 1:
            del parts[at]
        elif what == 1:
            parts.insert(at, (parts[other] * draw.choice((1, 2, 300)))[:LARGEST])
        elif what == 2:
            parts[at], parts[other] = parts[other], parts[at]
        else:
            parts[at] = draw.choice(
                (b"\x85", b"0", b"2", b"(", b"t", b"l", b"e", b"b", b"R", b"h\0", b"\x91", b"u", b"K\1")
            )
    return b"".join(parts)


def _key(draw: random.Random) -> Any:
    deep: Any = 1
    for _ in range(draw.choice((0, 1, 5, 300))):
        deep = (deep,)
    return draw.choice((deep, "k", 2**200, frozenset({1, (2,)}), None, 1.5))


def _thing(draw: random.Random) -> Any:
    if draw.random() < 0.6:
        return _array(draw)
    shared = [draw.randrange(9)] * 3
    for _ in range(draw.choice((0, 3, 40))):
        shared = [shared, shared]
    return draw.choice((shared, _scalar(draw), {1, 2}, np.float32(1.5), np.array([1, "a", [2]], dtype=object)))


def _array(draw: random.Random) -> Any:
    plain = np.asarray(draw.choice((np.arange(6.0).reshape(2, 3), np.array(["a", "bc"]), np.array([1, None], object))))
    if draw.random() < 0.1:
        return plain
    maker, arguments, state = plain.__reduce__()
    parts: list[Any] = list(state)
    for _ in range(draw.choice((1, 1, 2))):
        place = draw.randrange(5)
        odd = (_ODD_ITEMS, _ODD_SHAPES, None, (True, 2, "x", None), _ODD_ITEMS)[place]
        parts[place] = _type(draw) if odd is None else draw.choice(odd)
    if draw.random() < 0.1:
        parts = parts[: draw.randrange(5)] or [draw.choice(_ODD_ITEMS)]
    if draw.random() < 0.1:
        arguments = (draw.choice((np.ndarray, 1, "x")), draw.choice(_ODD_SHAPES), draw.choice((b"b", "O", None)))
    return _Call(maker, arguments, tuple(parts))


def _type(draw: random.Random) -> Any:
    state = [3, "<", None, None, None, -1, -1, 0]
    for _ in range(draw.choice((0, 1, 2))):
        state[draw.randrange(8)] = draw.choice((None, -1, 2**70, ">", "|", "x", ("a",), {"a": 1}, 63, b"<"))
    return _Call(np.dtype, (draw.choice(_ODD_CODES), False, True), tuple(state))


def _scalar(draw: random.Random) -> Any:
    maker = np.float64(1).__reduce__()[0]
    return _Call(maker, (_type(draw), draw.choice((b"\0" * 8, b"", "a" * 8, None, 5, b"\xff" * 24))))
