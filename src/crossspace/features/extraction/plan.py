"""What is to be extracted, and in which pieces: plain values that every worker, on whatever machine, is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from crossspace import __version__
from crossspace.copies import at_hand
from crossspace.engine.parts import key_of
from crossspace.features.extraction.keys import media_digest
from crossspace.features.extractors import build
from crossspace.features.extractors.base import Extractor
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribing import Transcribing
from crossspace.stores import Place
from crossspace.transcripts.transcript import Transcript

_ROWS, _FILES = 2048, 64
"""Utterances, or files of transcripts, that make a part together: texts are fastest in the company of many."""


@dataclass(frozen=True)
class Making:
    """How parts are made; what decides their content beside their recordings.

    Attributes:
        wanted: ``{modality: "NAME[:VALUE][,key=value]"}``.
        transcribing: how recordings without a transcript are transcribed.
    """

    wanted: Mapping[str, str]
    transcribing: Transcribing | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Extractors may be large, and every process loads its own.
        return {"wanted": self.wanted, "transcribing": self.transcribing}

    @cached_property
    def built(self) -> dict[str, Extractor]:
        """The extractors, built when first asked for.

        Raises:
            UsageError, MissingExtraError, DataError: one cannot be had.
        """
        return {modality: build(modality, name) for modality, name in self.wanted.items()}

    @property
    def extractors(self) -> dict[str, dict[str, Any]]:
        """``{modality: identity}``."""
        return {m: dict(extractor.identity) for m, extractor in self.built.items()}

    @property
    def widths(self) -> dict[str, int]:
        """``{modality: D}``."""
        return {m: extractor.width for m, extractor in self.built.items()}

    @cached_property
    def digest(self) -> str:
        """Of all that decides what a part holds, beside its recordings."""
        transcribing = None if self.transcribing is None else asdict(self.transcribing)
        return key_of(__version__, self.extractors, list(self.widths), transcribing)


def pieces(recordings: Sequence[Recording]) -> list[tuple[Recording, ...]]:
    """The recordings in the order of their ids, those of one part together.

    What has to be heard or seen stands alone; texts stand together, which neither the order of the source nor the
    number of workers changes.
    """
    return list(_pieces(sorted(recordings, key=lambda recording: recording.id)))


def _pieces(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, ...]]:
    together: list[Recording] = []
    rows = 0
    for recording in recordings:
        size = _size(recording)
        if together and (recording.has_media or rows + size > _ROWS):
            yield tuple(together)
            together, rows = [], 0
        together.append(recording)
        rows += size
        if recording.has_media:
            yield tuple(together)
            together, rows = [], 0
    if together:
        yield tuple(together)


def _size(recording: Recording) -> int:
    return len(recording.transcript.cues) if isinstance(recording.transcript, Transcript) else _ROWS // _FILES


def recording_key(recording: Recording) -> str:
    """A digest of all that a conversation is made from, but for where its files lie.

    Raises:
        OSError, DataError: one of them cannot be read.
    """
    files = [recording.media, *(recording.clips or ()), recording.labels]
    transcript = recording.transcript
    return key_of(
        [None if path is None else _digest(path) for path in files],
        repr(transcript) if transcript is None or isinstance(transcript, Transcript) else _digest(transcript),
        # The name of a file decides how it is read, and stands in notes on it.
        [getattr(path, "name", None) for path in (recording.media, transcript, recording.labels)],
        [recording.id, recording.split, recording.track, recording.channels],
    )


def _digest(path: Place) -> str:
    with at_hand(path) as file:
        return media_digest(file)
