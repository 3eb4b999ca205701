"""Let several lanes use one extractor."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from crossspace.features.extractors import Extractor
from crossspace.serve.lane import check_current

TURN = 16
"""Items that one job extracts before another has its turn."""


def share(extractor: Extractor[Any]) -> None:
    """Have ``extractor`` used by one thread at a time, in turn, and by none whose job is no longer wanted.

    A turn is :data:`TURN` items, so an utterance of a live conversation does not wait for a whole recording, and a job
    that is cancelled ends soon.
    """
    # Tokenizers and face finders keep state while they work.
    turns, extract = Turns(), extractor.extract

    def shared(items: Sequence[Any]) -> list[Any]:
        features: list[Any] = []
        for at in range(0, len(items), TURN):
            with turns.one():
                check_current()
                features += extract(items[at : at + TURN])
        return features

    extractor.extract = shared  # type: ignore[method-assign]


class Turns:
    """A lock that is given in the order of asking; a plain one is mostly taken again by the thread that gave it up."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked = self._given = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends."""
        with self._changed:
            # A number as at a counter: who came first has the lower one.
            mine, self._asked = self._asked, self._asked + 1
            self._changed.wait_for(lambda: self._given == mine)
        try:
            yield
        finally:
            with self._changed:
                self._given += 1
                self._changed.notify_all()
