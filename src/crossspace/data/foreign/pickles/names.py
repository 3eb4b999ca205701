"""The things that a pickle may name, each with a stand-in that builds a plain value from checked arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossspace.data.foreign.pickles.arrays import Array, Type, from_bytes, scalar
from crossspace.data.foreign.pickles.limits import Inert, Ledger, Refused


class Named(Inert):
    """A stand-in for an importable thing. It is no value: it can only be called, and handed to what is called.

    Args:
        name: what the pickle calls it.
        build: makes the value from a ledger and the arguments; ``None`` for what may be named but not called.
    """

    def __init__(self, name: str, build: Callable[..., Any] | None) -> None:
        self.name, self._build = name, build

    def call(self, ledger: Ledger, arguments: Any) -> Any:
        """What the pickle gets for calling it."""
        if self._build is None:
            raise Refused(f"{self.name} called as a function")
        if type(arguments) is not tuple:
            raise Refused(f"{self.name} called with a {type(arguments).__name__}")
        return self._build(ledger, *arguments)


def named(module: Any, name: Any) -> Named:
    """The stand-in for a name on the list.

    Raises:
        Refused: the name is not on the list.
    """
    stand_in = _ALLOWED.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
    if stand_in is None:
        raise Refused(f"{str(module)[:100]}.{str(name)[:100]}")
    return stand_in


def _encode(ledger: Ledger, text: Any, encoding: Any = "") -> bytes:
    # Protocol 2 has no bytes: Python 3 writes them as text that this call turns back.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("_codecs.encode of something else than text in latin-1")
    ledger.build(len(text))
    return text.encode("latin-1")


def _set_of(kind: type) -> Callable[..., Any]:
    def build(ledger: Ledger, items: Any = ()) -> Any:
        if type(items) not in (list, tuple):
            raise Refused(f"builtins.{kind.__name__} of a {type(items).__name__}")
        ledger.build(8 * len(items))
        # Before the set is built: hashing is what could be made expensive.
        for item in items:
            ledger.key(item)
        container = kind(items)
        return ledger.closed(container, items) if kind is frozenset else _filled(ledger, container, items)

    return build


def _filled(ledger: Ledger, container: Any, items: Any) -> Any:
    ledger.opened(container)
    ledger.fill(container, items)
    return container


def _complex(ledger: Ledger, real: Any, imaginary: Any) -> complex:
    return complex(float(real), float(imaginary))


def _empty_bytes(ledger: Ledger, *arguments: Any) -> bytes:
    if arguments:
        raise Refused("builtins.bytes with arguments")
    return b""


def _dictionary(ledger: Ledger, pairs: Any = ()) -> dict:
    """An ordered dictionary; Python 2 wrote its items as a list of pairs."""
    if type(pairs) not in (list, tuple) or not all(type(p) in (list, tuple) and len(p) == 2 for p in pairs):
        raise Refused("collections.OrderedDict of something else than pairs")
    ledger.build(8 * len(pairs))
    for key, _ in pairs:
        ledger.key(key)
    return _filled(ledger, dict(pairs), [part for pair in pairs for part in pair])


def _allow_list() -> dict[tuple[str, str], Named]:
    allowed: dict[tuple[str, str], Callable[..., Any] | None] = {
        ("_codecs", "encode"): _encode,
        ("collections", "OrderedDict"): _dictionary,
        ("numpy", "ndarray"): None,
        ("numpy", "dtype"): Type,
    }
    for module in ("builtins", "__builtin__"):
        allowed[module, "set"] = _set_of(set)
        allowed[module, "frozenset"] = _set_of(frozenset)
        allowed[module, "complex"] = _complex
        allowed[module, "bytes"] = _empty_bytes
    # NumPy 2 renamed the package, and pickles name it as it was when they were written.
    for core in ("numpy.core", "numpy._core"):
        allowed[f"{core}.multiarray", "_reconstruct"] = Array
        allowed[f"{core}.multiarray", "scalar"] = scalar
        allowed[f"{core}.numeric", "_frombuffer"] = from_bytes
    return {key: Named(".".join(key), build) for key, build in allowed.items()}


_ALLOWED = _allow_list()

ARRAY_MAKERS = frozenset(named.name for named in _ALLOWED.values() if named.name.endswith("._reconstruct"))
"""Names of what begins an array."""
