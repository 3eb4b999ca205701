"""What the folder of a search remembers of how its trials are kept and drawn."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossspace.configuration import read_yaml
from crossspace.tune.storage import NAME, storage_named

SETTINGS = "tune.yaml"
AT_ONCE = 8
"""Trials of a generation, where nothing else is asked for."""


def remembered(folder: str | Path) -> dict[str, Any]:
    """``storage``, ``study`` (its name there) and ``at_once`` of the search in a folder.

    Earlier releases knew SQLite alone, and no generations: their ``at_once`` is None.
    """
    path = Path(folder) / SETTINGS
    written = read_yaml(path) if path.exists() else {}
    return {"storage": written.get("storage", "sqlite"), "study": written.get("study", NAME), **_drawing(written)}


def _drawing(written: Mapping[str, Any]) -> dict[str, Any]:
    return {"at_once": written.get("at_once")}


def kept(folder: str | Path, storage: str | None, at_once: int | None) -> dict[str, Any]:
    """The same for a search that is asked for: what is not said is as the folder remembers it, or as usual."""
    if (Path(folder) / SETTINGS).exists():
        found = remembered(folder)
        return {**found, "storage": storage or found["storage"], "at_once": at_once or found["at_once"]}
    storage = storage or "sqlite"
    # A database may hold many searches.
    study = f"{NAME}-{uuid.uuid4().hex}" if storage_named(storage, folder).holds_many else NAME
    return {"storage": storage, "study": study, "at_once": at_once or AT_ONCE}
