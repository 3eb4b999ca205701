"""Read pickles of containers, numbers, strings and NumPy arrays, and nothing that could execute code.

A pickle is a program. This reader lets it name a short list of things and gives it stand-ins for them, which build
plain values from checked arguments; NumPy's own reconstruction, which trusts what it is given, is never handed
unchecked state. Whatever else a pickle names is refused by that name before anything is called.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from crossspace.errors import DataError

_KINDS = "biufcSUO"
"""Kinds of arrays that are read: numbers, booleans, strings, and arrays of objects, which are read one by one."""


class _Refused(Exception):
    """What the pickle asks for is not on the list."""


class _Trusted:
    """A stand-in for an importable thing: calling it builds a checked value, and its state cannot be changed."""

    __slots__ = ("_build", "_name")

    def __init__(self, name: str, build: Callable[..., Any] | None) -> None:
        self._name, self._build = name, build

    def __call__(self, *arguments: Any) -> Any:
        if self._build is None:
            raise _Refused(f"{self._name} called as a function")
        return self._build(*arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        raise _Refused(f"a change of {self._name}")


class _Dtype:
    """An array type in the making: only numbers, strings and objects, never structures."""

    __slots__ = ("_type",)

    def __init__(self, code: Any, *flags: Any) -> None:
        if not isinstance(code, str) or code.lstrip("<>|=")[:1] not in _KINDS or not code.lstrip("<>|=")[1:].isdigit():
            raise _Refused(f"the array type {code!r}")
        self._type = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "=") or any(state[2:5]):
            raise _Refused(f"the array type {self._type.str!r} with the state {state!r}")
        if state[1] in "<>":
            self._type = self._type.newbyteorder(state[1])

    @property
    def type(self) -> np.dtype:
        """The NumPy type."""
        return self._type


class _Array(np.ndarray):
    """An array in the making; what it is filled with is checked first. ``numpy.asarray`` gives a plain one."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        shape, kind = _shape(shape), _type(dtype)
        if kind.kind == "O":
            if not isinstance(raw, list):
                raise _Refused("an array of objects that is not made of a list")
        else:
            raw = _bytes_of(raw)
        super().__setstate__((1, shape, kind, bool(fortran), raw))  # type: ignore[arg-type]


def _type(dtype: Any) -> np.dtype:
    if not isinstance(dtype, _Dtype):
        raise _Refused(f"the array type {dtype!r}")
    return dtype.type


def _shape(shape: Any) -> tuple[int, ...]:
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _Refused(f"the array shape {shape!r}")
    return shape


def _bytes_of(raw: Any) -> bytes:
    if isinstance(raw, str):
        return raw.encode("latin-1")
    if not isinstance(raw, (bytes, bytearray)):
        raise _Refused(f"array data of type {type(raw).__name__}")
    return bytes(raw)


def _reconstruct(*_: Any) -> np.ndarray:
    return np.ndarray.__new__(_Array, (0,), np.int8)


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    kind = _type(dtype)
    if kind.kind == "O" or order not in ("C", "F"):
        raise _Refused(f"an array of {kind} in order {order!r} from a buffer")
    return np.frombuffer(_bytes_of(raw), kind).reshape(_shape(shape), order=order).copy(order=order)


def _scalar(dtype: Any, raw: Any) -> Any:
    kind = _type(dtype)
    if kind.kind == "O":
        raise _Refused("a scalar that is an object")
    return np.frombuffer(_bytes_of(raw), kind, count=1)[0]


def _encode(text: Any, encoding: Any = "") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _Refused(f"_codecs.encode with the encoding {encoding!r}")
    return text.encode("latin-1")


def _items(kind: type) -> Callable[..., Any]:
    def build(items: Any = ()) -> Any:
        if not isinstance(items, (list, tuple)):
            raise _Refused(f"builtins.{kind.__name__} of a {type(items).__name__}")
        return kind(items)

    return build


def _complex(real: Any, imaginary: Any) -> complex:
    return complex(float(real), float(imaginary))


def _empty_bytes(*arguments: Any) -> bytes:
    if arguments:
        raise _Refused("builtins.bytes with arguments")
    return b""


def _empty_dict(*arguments: Any) -> dict:
    if arguments:
        raise _Refused("collections.OrderedDict with arguments")
    return {}


def _allow_list() -> dict[tuple[str, str], _Trusted]:
    allowed: dict[tuple[str, str], Callable[..., Any] | None] = {
        ("_codecs", "encode"): _encode,
        ("collections", "OrderedDict"): _empty_dict,
        ("numpy", "ndarray"): None,
        ("numpy", "dtype"): _Dtype,
    }
    for module in ("builtins", "__builtin__"):
        allowed[module, "set"] = _items(set)
        allowed[module, "frozenset"] = _items(frozenset)
        allowed[module, "complex"] = _complex
        allowed[module, "bytes"] = _empty_bytes
    for core in ("numpy.core", "numpy._core"):
        allowed[f"{core}.multiarray", "_reconstruct"] = _reconstruct
        allowed[f"{core}.multiarray", "scalar"] = _scalar
        allowed[f"{core}.numeric", "_frombuffer"] = _frombuffer
    return {key: _Trusted(".".join(key), build) for key, build in allowed.items()}


_ALLOWED = _allow_list()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Refused(f"{module}.{name}")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> NoReturn:
        raise _Refused(f"the external object {pid!r}")


def load_pickle(path: str | Path, encoding: str = "latin-1") -> Any:
    """What a pickle file holds, if it is made of containers, numbers, strings and NumPy arrays only.

    Arrays may come as a subclass of ``numpy.ndarray``; ``numpy.asarray`` gives plain ones. Ordered dictionaries come
    as dictionaries.

    Args:
        path: the file.
        encoding: of the byte strings that Python 2 wrote.

    Raises:
        DataError: the file is missing, truncated or damaged, or asks for anything else, which is named and not
            executed.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: a pickle file is expected here. Found {'a folder' if path.is_dir() else 'nothing'}.")
    with open(path, "rb") as file:
        return load_stream(file, path, encoding)


def load_stream(file: io.BufferedIOBase, name: object, encoding: str = "latin-1") -> Any:
    """As :func:`load_pickle`, from an open file called ``name``."""
    copyreg.clear_extension_cache()  # else a code that this process has met before would bypass the list
    try:
        return _Unpickler(file, encoding=encoding).load()
    except _Refused as error:
        raise DataError(
            f"{name}: a pickle of containers, numbers, strings and NumPy arrays is expected. It asks for {error}, "
            "which is refused; nothing was executed. Do not open this file with pickle unless you trust who made it."
        ) from error
    except Exception as error:  # a damaged pickle can fail in every way there is
        raise DataError(
            f"{name}: the pickle cannot be read; it is truncated or damaged ({type(error).__name__}: {error}). "
            "Download it again."
        ) from error
