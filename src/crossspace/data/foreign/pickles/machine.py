"""The opcodes of pickles, protocol 0 to 5, as far as values need them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

from crossspace.data.foreign.pickles.limits import Inert, Ledger, Refused, Unfinished

_NOTHING = object()


class Damaged(Exception):
    """The bytes are no pickle, or end in the middle of one."""


class Machine:
    """Runs the opcodes of one pickle.

    Args:
        data: the whole file.
        steps: what each opcode does.
        encoding: of the byte strings that Python 2 wrote; ``"bytes"`` leaves them bytes.

    Attributes:
        at: byte of the file at which it is.
    """

    def __init__(self, data: bytes, steps: Mapping[int, Callable[[Machine], None]], encoding: str) -> None:
        self.data, self.encoding, self.at = data, encoding, 0
        self._steps = steps
        self.ledger = Ledger(len(data))
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self._memo: list[Any] = []
        self._far: dict[int, Any] = {}

    def run(self) -> Any:
        """The value, with ``at`` left behind its end.

        Raises:
            Refused: the pickle asks for something that is not on the list.
            Excess: it asks for more than its size allows.
            Damaged: it is no pickle, or incomplete.
        """
        data, steps, stop = self.data, self._steps, pickle.STOP[0]
        while self.at < len(data):
            opcode = data[self.at]
            self.at += 1
            if opcode == stop:
                return self._value()
            step = steps.get(opcode)
            if step is None:
                raise Damaged(f"there is no instruction {bytes([opcode])!r}")
            step(self)
        raise Damaged("it ends in the middle")

    def _value(self) -> Any:
        (value,) = self.popped(1)
        # As if a list took it: what no value may be (an unfinished array, a name) is refused here as well.
        self.ledger.fill(self.ledger.opened([]), [value])
        return value

    def popped(self, count: int) -> list[Any]:
        """The last ``count`` values, which leave the stack; none from below a mark."""
        # A mark is a floor: reaching below it would take the arguments of another instruction.
        if len(self.stack) - count < (self.marks[-1] if self.marks else 0):
            raise Damaged("it takes a value that is not there")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def since_mark(self) -> list[Any]:
        """The values since the last mark; they and it leave the stack."""
        if not self.marks:
            raise Damaged("it takes a mark that is not there")
        floor = self.marks.pop()
        values = self.stack[floor:]
        del self.stack[floor:]
        return values

    def top(self, kind: type) -> Any:
        """The last value, which stays and has to be of a kind."""
        floor = self.marks[-1] if self.marks else 0
        if len(self.stack) <= floor or type(self.stack[-1]) is not kind:
            raise Damaged(f"it takes a {kind.__name__} that is not there")
        return self.stack[-1]

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes of the file."""
        end = self.at + count
        if end > len(self.data):
            raise Damaged(f"it takes {count} bytes where {len(self.data) - self.at} are left")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def line(self) -> bytes:
        """The bytes up to the next end of a line."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise Damaged("it ends in the middle")
        piece = self.data[self.at : end]
        self.at = end + 1
        return piece

    def number(self, size: int) -> int:
        """The next bytes as a number without sign."""
        return int.from_bytes(self.take(size), "little")

    def text(self, raw: bytes) -> Any:
        """A byte string of Python 2."""
        return raw if self.encoding == "bytes" else raw.decode(self.encoding)

    def put(self, place: int | None = None) -> None:
        """Remember the last value under a number, or under the next one."""
        if not self.stack:
            raise Damaged("it takes a value that is not there")
        place = len(self._memo) if place is None else place
        if isinstance(self.stack[-1], Unfinished):
            self.stack[-1].places.append(place)
        self._remember(place, self.stack[-1])

    def get(self, place: int) -> None:
        """Push what was remembered under a number."""
        value = self._memo[place] if 0 <= place < len(self._memo) else self._far.get(place, _NOTHING)
        if value is _NOTHING:
            raise Damaged("it uses a value that it never made, or made for a call only")
        # Strings are what is remembered most and need no check.
        if type(value) is not str:
            self.ledger.close(value)
        self.stack.append(value)

    def remembered(self, place: int) -> Any:
        """What was remembered under a number, without using it; ``None`` if nothing was."""
        return self._memo[place] if 0 <= place < len(self._memo) else self._far.get(place)

    def follows(self, put: bytes, ahead: int) -> bool:
        """Whether an opcode remembers a value under the number that is the next one but ``ahead``."""
        return put == pickle.MEMOIZE or int.from_bytes(put[1:], "little") == len(self._memo) + ahead

    def remember_inside(self, steps: int, place: int) -> None:
        """Remember the last value as one of several steps; the others were needed in between only."""
        self._memo += [_NOTHING] * steps
        self._memo[place - steps] = self.stack[-1]

    def finish(self, state: Any) -> None:
        """Put the array or type that is complete now wherever the incomplete one stood."""
        (unfinished,) = self.popped(1)
        if not isinstance(unfinished, Unfinished):
            what = unfinished.name if isinstance(unfinished, Inert) else type(unfinished).__name__
            raise Refused(f"a change of {what}")
        self.stack.append(unfinished.finish(state))
        # The pickle remembered the incomplete one under these numbers, and will use them for the complete one.
        for place in unfinished.places:
            self._remember(place, self.stack[-1])

    def _remember(self, place: int, value: Any) -> None:
        if place == len(self._memo) + 1:
            self._memo.append(_NOTHING)  # Python 2 counts from one
        if place == len(self._memo):
            self._memo.append(value)
        elif 0 <= place < len(self._memo):
            self._memo[place] = value
        else:
            # A dictionary, since a file may name the place two billion: a list would be filled up to there.
            self._far[place] = value
