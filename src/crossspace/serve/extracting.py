"""What a recording sounds and looks like: heard and seen by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extractors import from_identity
from crossspace.features.sources import Recording
from crossspace.serve.worker import Said

Wanted = Mapping[str, tuple[Mapping[str, Any], str | None]]
"""``{modality: (identity, how it is to be built)}``, for :func:`~crossspace.features.extractors.from_identity`."""

_built: dict[str, Extraction] = {}


def extract_media(recording: Recording, wanted: Wanted, said: Said) -> Extracted:
    """Everything of a recording but the features of its text.

    Raises:
        CrossspaceError: it cannot be read, or an extractor cannot be had.
    """
    if (key := repr(wanted)) not in _built:
        # One set of extractors at a time: they are large, and a server has one model.
        _built.clear()
        _built[key] = Extraction({m: from_identity(m, identity, how) for m, (identity, how) in wanted.items()})
    return _built[key].run(recording, said)
