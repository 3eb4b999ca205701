"""Let several lanes use one extractor."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from crossspace.features.extractors import Extractor
from crossspace.serve.lane import check_current


def share(extractor: Extractor[Any]) -> None:
    """Have ``extractor`` used by one thread at a time, and by none whose job is no longer wanted.

    Tokenizers and face finders keep state while they work. The lock is held for one batch, so a posted conversation
    does not wait for a whole recording.
    """
    lock, extract = threading.Lock(), extractor.extract

    def shared(items: Sequence[Any]) -> list[Any]:
        check_current()
        with lock:
            return extract(items)

    extractor.extract = shared  # type: ignore[method-assign]
