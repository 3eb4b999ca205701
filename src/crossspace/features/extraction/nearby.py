"""A recording whose files stand on stores, with copies of them on this machine while it is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from crossspace.copies import at_hand
from crossspace.features.sources.recording import Recording
from crossspace.stores import is_address

Anything = TypeVar("Anything")


@contextmanager
def nearby(recording: Recording) -> Iterator[Recording]:
    """The recording with files of this machine; clips stay where they are, since each is opened for itself.

    Raises:
        DataError: a file is not there or cannot be fetched; it is named by its address, as in errors of the block.
    """
    with ExitStack() as stack:

        def here(file: Anything) -> Anything:
            return stack.enter_context(at_hand(file)) if is_address(file) else file  # type: ignore[arg-type, return-value]

        yield replace(
            recording,
            media=here(recording.media),
            transcript=here(recording.transcript),
            labels=here(recording.labels),
        )
