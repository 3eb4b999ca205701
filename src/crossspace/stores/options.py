"""How the libraries for stores are set: nothing they remember is stale, and nothing waits for ever."""

from __future__ import annotations

import math
import os
from typing import Any

from crossspace.errors import UsageError

TIMEOUT = "CROSSSPACE_STORE_TIMEOUT"
"""Seconds to wait for an answer of a store; an environment variable."""
_USUAL, _CONNECT = 20.0, 5.0
TRIES = 3
"""How often a request is made before the connection counts as lost."""


def options_for(scheme: str) -> dict[str, Any]:
    """Storage options as of fsspec; what the user configured there stays."""
    if scheme not in ("s3", "gs", "gcs", "az", "abfs"):
        return {}
    # Listings that are remembered would hide what other machines have written.
    options: dict[str, Any] = {"use_listings_cache": False}
    if scheme == "s3":
        from fsspec.config import conf

        stated = conf.get("s3", {}).get("config_kwargs", {})
        seconds = timeout()
        config = {"connect_timeout": min(_CONNECT, seconds), "read_timeout": seconds}
        options["config_kwargs"] = {**config, "retries": {"mode": "standard", "total_max_attempts": 2}, **stated}
    return options


def timeout() -> float:
    """Seconds to wait for an answer.

    Raises:
        UsageError: what the environment says is no number of seconds.
    """
    text = os.environ.get(TIMEOUT) or str(_USUAL)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 86_400:
        raise UsageError(f"{TIMEOUT} should be seconds, more than 0 and less than a day. Found {text!r}.")
    return seconds
