"""Feature vectors that were computed before, kept and found by what they were computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from crossspace.cache_folder import SHARED, chosen_cache, local_folder
from crossspace.errors import UsageError
from crossspace.features.extraction.keeping import Keeping, as_bytes, checked, unchecked, value_of
from crossspace.features.extraction.keys import feature_key, media_digest
from crossspace.features.extraction.shared_keeping import SharedKeeping
from crossspace.features.extraction.sqlite_keeping import SqliteKeeping
from crossspace.features.extractors.base import Missing
from crossspace.stores import Place, Where, is_address, place

__all__ = ["FeatureCache", "default_folder", "feature_key", "media_digest"]


class FeatureCache:
    """Vectors, reasons and texts by key.

    A vector or a text is stored as its bytes with a checksum and comes back bit for bit or not at all; nothing that is
    stored can run. A cache is only a convenience: where it cannot be used (no space, no permission, no answer) it warns
    once and keeps nothing, while the work goes on. Threads may share it. Make one per process, from the folder.

    Args:
        folder: a folder of a disk of this machine, in which one SQLite file lies; ``shared:`` and a folder that other
            machines use too, or the address of a store, in which many small files lie, since SQLite is not for
            networks. What ``CROSSSPACE_CACHE`` says, or :func:`default_folder`, where none is given.
    """

    def __init__(self, folder: Where | None = None) -> None:
        self.keeping, self.path = _keeping(chosen_cache() if folder is None else folder)

    def get(self, key: str) -> np.ndarray | Missing | None:
        """What was put under ``key``; ``None`` where nothing was."""
        return self.get_many([key]).get(key)

    def put(self, key: str, value: np.ndarray | Missing) -> None:
        """Keep ``value``, a float32 vector or a reason, under ``key``."""
        self.put_many({key: value})

    def get_many(self, keys: Sequence[str]) -> dict[str, np.ndarray | Missing]:
        """``{key: value}`` of those of ``keys`` that are there."""
        found = {row[0]: value_of(*row) for row in self.keeping.rows(keys)}
        return {key: value for key, value in found.items() if value is not None}

    def put_many(self, values: Mapping[str, np.ndarray | Missing]) -> None:
        """Keep all of ``values`` or, where the process dies meanwhile, none."""
        self.keeping.keep(
            [
                (key, None, value.reason) if isinstance(value, Missing) else (key, checked(key, as_bytes(value)), None)
                for key, value in values.items()
            ]
        )

    def get_text(self, key: str) -> str | None:
        """The text that was put under ``key``, such as recognised words; ``None`` where none was."""
        content = unchecked(key, self.keeping.text(key))
        return None if content is None else content.decode("utf-8")

    def put_text(self, key: str, text: str) -> None:
        """Keep ``text`` under ``key``; texts and vectors do not share their keys."""
        self.keeping.keep_text(key, checked(key, text.encode("utf-8")))

    def clear(self) -> None:
        """Forget everything, and give the space back."""
        self.keeping.clear()

    def close(self) -> None:
        """Close what is open; the next call opens it again."""
        self.keeping.close()


def default_folder() -> Path:
    """``CROSSSPACE_CACHE`` where it is a folder, or the folder ``crossspace`` where the platform keeps caches."""
    return local_folder()


def _keeping(folder: Where) -> tuple[Keeping, Place]:
    """What keeps features in a folder, and where."""
    text = str(folder)
    if text.startswith(SHARED):
        if not text.removeprefix(SHARED):
            raise UsageError(f"'{SHARED}' should be followed by the folder that is shared. Found nothing.")
        shared = SharedKeeping(place(text.removeprefix(SHARED)))
        return shared, shared.path
    if is_address(folder):
        stored = SharedKeeping(place(folder))
        return stored, stored.path
    local = SqliteKeeping(Path(place(text)) if text else default_folder())  # type: ignore[arg-type]
    return local, local.path
