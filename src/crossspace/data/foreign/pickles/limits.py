"""What a pickle may cost: everything it asks for is counted against the size of its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

DEEPEST = 100
"""Containers within containers. Feature files have half a dozen; beyond some thousand, Python itself would crash."""

_CONTAINERS, _BYTES_PER_CONTAINER = 2**19, 6
_ELEMENTS, _ELEMENTS_PER_BYTE = 2**24, 4
_BUILT, _BUILT_PER_BYTE = 2**25, 4

_LEAVES = frozenset({type(None), bool, int, float, str, bytes, bytearray, complex})
_SIMPLE_KEYS = frozenset({type(None), bool, int, float, str, bytes})
_KEY_ITEMS = 1000
_NESTING = (list, dict, tuple, set, frozenset)


class Refused(Exception):
    """What a pickle asks for is not on the list."""


class Excess(Exception):
    """A pickle asks for more than a file of its size may."""


class Inert:
    """What can be handed to a call and is no value: only a tuple of arguments may hold it."""

    name = ""


class Unfinished:
    """An array or an array type of which the pickle has not yet told the state; nothing may hold it.

    Attributes:
        places: numbers under which the pickle remembers it.
    """

    def __init__(self) -> None:
        self.places: list[int] = []

    def finish(self, state: Any) -> Any:
        """What it becomes with this state."""
        raise NotImplementedError


class Ledger:
    """Counts depth, containers, elements and bytes of what a pickle builds.

    *Elements* are counted as whoever walks through the value would meet them, containers among them: a list that is
    named twice counts twice. A container is closed as soon as another one holds it, since what has been counted may
    not grow.

    Args:
        size: bytes of the file.
    """

    def __init__(self, size: int) -> None:
        # A floor for small files, and a rate above it: opcodes are bytes, so honest files stay far below either.
        self._containers = _CONTAINERS + size // _BYTES_PER_CONTAINER
        self._elements = _ELEMENTS + size * _ELEMENTS_PER_BYTE
        self._built = _BUILT + size * _BUILT_PER_BYTE
        self._open: set[int] = set()
        self._arguments: set[int] = set()
        self._nested: dict[int, tuple[Any, int, int]] = {}

    def build(self, amount: int) -> None:
        """Bytes or items that a call makes of what the file has said already."""
        self._built -= amount
        if self._built < 0:
            raise Excess("it builds more than a file of its size can hold")

    def opened(self, container: Any) -> Any:
        """A new container that may be filled."""
        self._count(container)
        self._open.add(id(container))
        return container

    def closed(self, container: Any, items: Sequence[Any]) -> Any:
        """A new container that is complete and holds ``items``."""
        self._count(container)
        depth, elements = self._measure(items, arguments=type(container) is tuple)
        self._note(container, depth + 1, elements + 1)
        if type(container) is tuple and any(isinstance(item, Inert) for item in items):
            self._arguments.add(id(container))
        return container

    def fill(self, container: Any, items: Sequence[Any]) -> None:
        """``items`` are about to be put into ``container``."""
        # Depth and elements were noted by whoever holds it; growing it afterwards would make them untrue.
        if id(container) not in self._open:
            raise Excess("it changes a container that is in use already")
        depth, elements = self._measure(items)
        held_depth, held = self._of(container)
        self._note(container, max(depth + 1, held_depth), held + elements)

    def close(self, value: Any) -> None:
        """``value`` is used a second time: it must be complete."""
        if isinstance(value, Unfinished):
            raise Excess("it uses an array before it is complete")
        if type(value) is tuple and id(value) in self._arguments:
            raise Excess("it uses the arguments of a call as a value")
        self._open.discard(id(value))

    def _measure(self, items: Sequence[Any], arguments: bool = False) -> tuple[int, int]:
        """Depth and number of elements of what a container is to hold; containers among them are closed."""
        # Nearly all containers hold nothing else, and this is settled without a loop of Python.
        if _LEAVES.issuperset(map(type, items)):
            return 0, len(items)
        depth = elements = 0
        for item in items:
            if type(item) in _LEAVES:
                elements += 1
                continue
            self.close(item)
            if isinstance(item, Inert) and not arguments:
                raise Refused(f"{item.name} as a value")
            deep, many = self._of(item)
            depth, elements = max(depth, deep), elements + many
        return depth, elements

    def key(self, key: Any) -> None:
        """Refuse what cannot be hashed, or only at a price that the file could ask for again and again."""
        kind = type(key)
        if kind is str or kind in _SIMPLE_KEYS or isinstance(key, np.generic):
            # Hashing a number takes time with its length, and many that differ by the modulus have the same hash.
            if kind is int and key.bit_length() > 64:
                raise Excess("a key is a number of more than 64 bits")
        elif kind in (tuple, frozenset) and self._of(key)[1] <= _KEY_ITEMS:
            for item in key:
                self.key(item)
        else:
            raise Excess(f"a key is a {kind.__name__}" + (" of very many items" if kind is tuple else ""))

    def _count(self, container: Any) -> None:
        self._containers -= 1
        if self._containers < 0:
            raise Excess("it makes more containers than a file of its size can use")
        # A new object may have the id of arguments that are gone.
        self._arguments.discard(id(container))

    def _of(self, value: Any) -> tuple[int, int]:
        noted = self._nested.get(id(value))
        # Ids are used again once a value is gone: the note counts only for the very object.
        if noted is not None and noted[0] is value:
            return noted[1:]
        if isinstance(value, np.ndarray):
            return 1, value.size + 1
        return (1, len(value) + 1) if isinstance(value, _NESTING) else (0, 1)

    def _note(self, container: Any, depth: int, elements: int) -> None:
        if depth > DEEPEST:
            raise Excess(f"it is nested more than {DEEPEST} levels deep")
        if elements > self._elements:
            raise Excess("it stands for more elements than a file of its size can hold")
        # What _of can tell from the length alone is not noted: flat containers are by far the most.
        if depth > 1 or isinstance(container, np.ndarray) or elements != len(container) + 1:
            self._nested[id(container)] = container, depth, elements
