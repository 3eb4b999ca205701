"""JSON whose faults are told in words that mean something to whoever wrote it."""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parsed(text: str) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is not JSON, is nested too deeply, has a number with too many digits, says a key twice in one
            object, or holds text beyond Unicode; the message says which.
    """
    try:
        content = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError:
        # JSONDecodeError is a ValueError; its message names line and column and is better than any of ours.
        raise
    except _Twice as error:
        raise ValueError(f"the key {error.args[0]!r} twice in one object") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:  # Python reads no integer of more than some thousand digits
        raise ValueError("a number with too many digits") from error
    # Only an escape can bring in a lone half, and most texts have none: the second walk is saved.
    if _HALF.search(text):
        _check_unicode(content)
    return content


class _Twice(Exception):
    """A key that an object says twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        seen: set[str] = set()
        raise _Twice(next(key for key, _ in pairs if key in seen or seen.add(key))[:60])  # type: ignore[func-returns-value]
    return entries


def _check_unicode(content: Any) -> None:
    try:
        # Pairs of escapes are one character after parsing; only a half that stayed alone cannot be encoded.
        json.dumps(content, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("half a character of Unicode (a surrogate without its other half)") from error
