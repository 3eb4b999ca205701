"""Single values of foreign files: taken as they are, or refused. Nothing is rounded, cut or spelled out on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

UNLABELLED_NUMBERS = (-1, -100)
"""Numbers that stand for *no label* in the files of the field."""


class Unfit(ValueError):
    """A value that is not what its place needs; the message says what it is."""


def string(value: Any) -> str:
    """A name or a text: text, bytes, or an integer.

    Raises:
        Unfit: it is something else, or text beyond Unicode.
    """
    value = _bare(value)
    if isinstance(value, bytes):
        value = _decoded(value)
    if isinstance(value, str):
        return unicode(str(value))
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return str(int(value))
    raise Unfit(f"text or an integer is expected, found {shown(value)}")


def unicode(text: str) -> str:
    """The text, if it can be written at all.

    Raises:
        Unfit: it holds half a surrogate pair, which stands for no character.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unfit(f"the text holds half a character of Unicode ({text[error.start]!r})") from error
    return text


def label_index(value: Any, count: int) -> int | None:
    """Place of a label among ``count``, or ``None`` for unlabelled: ``None``, NaN, -1 or -100.

    Raises:
        Unfit: it is no integer (1.5, true, text), is another negative number, or there are not so many labels.
    """
    value = _bare(value)
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return None
    number = integer(value)
    if number in UNLABELLED_NUMBERS:
        return None
    if not 0 <= number < count:
        raise Unfit(f"a label from 0 to {count - 1}, or -1 for none, is expected, found {shown(number)}")
    return number


def integer(value: Any) -> int:
    """An integer, also one written as a float (3.0).

    Raises:
        Unfit: it is something else.
    """
    value = _bare(value)
    if isinstance(value, (bool, np.bool_)):
        raise Unfit(f"an integer is expected, found the truth value {bool(value)}")
    if isinstance(value, (int, np.integer)):
        return int(value)
    # Beyond 2**53 not every integer is a float: the number in the file may have been another.
    if (
        isinstance(value, (float, np.floating))
        and np.isfinite(value)
        and value == np.floor(value)
        and abs(value) < 2**53
    ):
        return int(value)
    raise Unfit(f"an integer is expected, found {shown(value)}")


def vector(value: Any) -> np.ndarray | None:
    """(D,) numbers, or ``None`` where there is no vector.

    Raises:
        Unfit: it holds anything but real numbers, or is no vector.
    """
    if value is None:
        return None
    array = value if isinstance(value, np.ndarray) else _array(value)
    if array.dtype.kind not in "fiub":
        raise Unfit(
            f"numbers are expected, found {array.dtype} (first {shown(array.flat[0]) if array.size else 'none'})"
        )
    # A row of shape (1, D) or (D, 1) is a vector that somebody did not squeeze.
    if array.ndim > 1 and max(array.shape) == array.size:
        array = array.reshape(-1)
    if array.ndim != 1 or not array.size:
        raise Unfit(f"a vector is expected, found the shape {array.shape}")
    return array


def shown(value: Any) -> str:
    """A value in a message, in bearable length."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.generic):
        value = value.item()
    # Python refuses to write integers of thousands of digits, even in a message.
    if isinstance(value, int) and value.bit_length() > 200:
        return "a very large integer"
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + " ..."


def _array(value: Any) -> np.ndarray:
    """Without NumPy's liking for turning text and truth values into numbers."""
    if not isinstance(value, (list, tuple)):
        raise Unfit(f"a vector is expected, found {shown(value)}")
    # Before NumPy sees it: it would take [1, "2"] for strings and [1, True] for integers.
    _numbers(value)
    try:
        return np.asarray(value, dtype=np.float64)
    except (OverflowError, ValueError, TypeError) as error:
        raise Unfit("a vector of numbers is expected, found others") from error


def _numbers(values: Sequence[Any]) -> None:
    # The usual list is settled by its types alone; the walk with a place for the message is for the others.
    kinds = set(map(type, values))
    if not kinds <= {int, float}:
        for place, value in enumerate(values):
            real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not real:
                raise Unfit(f"numbers are expected, found {shown(value)} at place {place}")


def _bare(value: Any) -> Any:
    """The value of an array of one value without a shape, and of NumPy's own strings."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    return value.item() if isinstance(value, (np.str_, np.bytes_)) else value


def _decoded(value: bytes) -> str:
    """Bytes of files that do not say how they are encoded: UTF-8 where that fits, as it hardly does by chance."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
