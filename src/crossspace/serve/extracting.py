"""What a recording sounds and looks like: heard and seen by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extractors import from_identity
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribe import Transcription
from crossspace.features.speech.transcribing import Transcribing
from crossspace.serve.worker import Said

Wanted = Mapping[str, tuple[Mapping[str, Any], str | None]]
"""``{modality: (identity, how it is to be built)}``, for :func:`~crossspace.features.extractors.from_identity`."""

_built: dict[str, Extraction] = {}


def extract_media(recording: Recording, wanted: Wanted, transcribing: Transcribing | None, said: Said) -> Extracted:
    """Everything of a recording but the features of its text; its words too, where it has no transcript.

    Raises:
        CrossspaceError: it cannot be read, or an extractor or a recogniser cannot be had.
    """
    return _extraction(wanted, transcribing).run(recording, said)


def prepare(wanted: Wanted, transcribing: Transcribing | None, said: Said) -> None:
    """Load what extracts and transcribes, so that a server that lacks it does not begin.

    Raises:
        CrossspaceError: it cannot be had.
    """
    if (transcription := _extraction(wanted, transcribing).transcription) is not None:
        transcription.prepared()


def _extraction(wanted: Wanted, transcribing: Transcribing | None) -> Extraction:
    if (key := repr((wanted, transcribing))) not in _built:
        # One set of extractors at a time: they are large, and a server has one model.
        _built.clear()
        extractors = {m: from_identity(m, identity, how) for m, (identity, how) in wanted.items()}
        _built[key] = Extraction(
            extractors, transcription=None if transcribing is None else Transcription(transcribing)
        )
    return _built[key]
