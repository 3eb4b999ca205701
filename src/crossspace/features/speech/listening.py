"""The sound of a recording piece by piece: its words, and its voices, each found once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from crossspace.features.media.audio import read_audio
from crossspace.features.media.tracks import Media
from crossspace.features.speech.chunks import Chunk, Span, piece
from crossspace.features.speech.kept import Kept
from crossspace.features.speech.recognisers.base import Doubt, Heard, HeardWord, Recogniser
from crossspace.features.speech.speaker_encoders.base import SpeakerEncoder
from crossspace.features.speech.windows import window_samples, windows

Part = TypeVar("Part", HeardWord, Doubt)


@dataclass(frozen=True)
class Listened:
    """What was found in all pieces of a recording.

    Attributes:
        language: of the recording, where the recogniser has to be told.
        heard: words and doubts of each piece.
        windows: start and end of the windows of speech, where voices are encoded.
        vectors: ``(W, D)`` of the windows.
    """

    language: str | None
    heard: list[Heard]
    windows: list[Span]
    vectors: np.ndarray


@dataclass(frozen=True)
class Listener:
    """Hears pieces of one recording.

    Args:
        recogniser: of words.
        encoder: of voices, where speakers are told apart.
        kept: what is known of the recording already.
    """

    recogniser: Recogniser
    encoder: SpeakerEncoder | None
    kept: Kept

    def listen(self, media: Media, pieces: Sequence[Chunk], said: Callable[[str], None], notes: list[str]) -> Listened:
        """What is found in pieces of a recording.

        The sound is decoded once, and only where something is not known yet; one piece is in memory at a time.
        """
        language = self._language(media, pieces[0])
        heard = [self.kept.heard(self.recogniser, language, chunk) for chunk in pieces]
        spans = [windows(chunk.speech) if self.encoder else [] for chunk in pieces]
        vectors = [self._known(some) for some in spans]
        lacking = [i for i in range(len(pieces)) if heard[i] is None or vectors[i] is None]
        for done, (place, sound) in enumerate(_sounds(media, pieces, lacking, notes), len(pieces) - len(lacking) + 1):
            chunk = pieces[place]
            if heard[place] is None:
                heard[place] = self._recognised(chunk, sound, language)
            if vectors[place] is None:
                vectors[place] = self._encoded(chunk, sound, spans[place])
            said(f"words, {done:,} of {len(pieces):,} stretches")
        flat = [span for some in spans for span in some]
        whole = np.concatenate([v for v in vectors if v is not None]) if flat else np.zeros((0, 0), np.float32)
        return Listened(language, [one for one in heard if one is not None], flat, whole)

    def _language(self, media: Media, first: Chunk) -> str | None:
        known = self.kept.language(self.recogniser, first)
        if known is None:
            sound = [samples for _, samples in read_audio(media, first.spans)]
            found = self.recogniser.language_of(piece(sound))
            # None is kept as an empty text: it is an answer as well.
            known = found or ""
            self.kept.keep_language(self.recogniser, first, known)
        return known or None

    def _recognised(self, chunk: Chunk, sound: Sequence[np.ndarray | None], language: str | None) -> Heard:
        """What is heard, with times of the recording."""
        heard = self.recogniser.recognise(piece(sound), language)
        placed = Heard(tuple(_placed(w, chunk) for w in heard.words), tuple(_placed(d, chunk) for d in heard.doubts))
        self.kept.keep_heard(self.recogniser, language, chunk, placed)
        return placed

    def _known(self, spans: Sequence[Span]) -> np.ndarray | None:
        if self.encoder is None or not spans:
            return np.zeros((0, self.encoder.width if self.encoder else 0), np.float32)
        return self.kept.vectors(self.encoder, spans)

    def _encoded(self, chunk: Chunk, sound: Sequence[np.ndarray | None], spans: Sequence[Span]) -> np.ndarray:
        assert self.encoder is not None
        vectors = self.encoder.encode(window_samples(chunk, sound, spans))
        self.kept.keep_vectors(self.encoder, spans, vectors)
        return vectors


def _sounds(
    media: Media, pieces: Sequence[Chunk], wanted: Sequence[int], notes: list[str]
) -> Iterator[tuple[int, list[np.ndarray | None]]]:
    """``(place, the samples of its spans)`` of some pieces, in one pass over the recording."""
    spans = [(place, number) for place in wanted for number in range(len(pieces[place].spans))]
    times = [pieces[place].spans[number] for place, number in spans]
    waiting: dict[int, dict[int, np.ndarray | None]] = {}
    for index, samples in read_audio(media, times, notes=notes):
        place, number = spans[index]
        parts = waiting.setdefault(place, {})
        parts[number] = samples
        if len(parts) == len(pieces[place].spans):
            del waiting[place]
            yield place, [parts[number] for number in sorted(parts)]


def _placed(part: Part, chunk: Chunk) -> Part:
    """The same with times of the recording."""
    start, end = chunk.span_of(part.start, part.end)
    return replace(part, start=round(start, 3), end=round(end, 3))
