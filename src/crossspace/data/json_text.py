"""JSON whose faults are told in words that mean something to whoever wrote it."""

from __future__ import annotations

import json
from typing import Any


def parsed(text: str) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or has a number with too many digits; the message says which.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:  # Python reads no integer of more than some thousand digits
        raise ValueError("a number with too many digits") from error
