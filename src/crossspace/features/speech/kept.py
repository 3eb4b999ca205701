"""What was recognised in a recording, kept piece by piece so that an interruption loses one piece at most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.keys import feature_key
from crossspace.features.extractors.base import SOUND
from crossspace.features.speech.chunks import Chunk, Span
from crossspace.features.speech.recognisers.base import Doubt, Heard, HeardWord, Recogniser
from crossspace.features.speech.speaker_encoders.base import SpeakerEncoder

_PACKED, _CUT = "words 1", "windows 1"
"""Parts of keys: another way of packing sound for a recogniser, or of cutting it into windows, makes other results."""


class Kept:
    """The words and the voices of one recording that a cache knows.

    Args:
        cache: where they are kept; nowhere if there is none.
        digest: of the recording, and of whatever else decides how it sounds.
    """

    def __init__(self, cache: FeatureCache | None, digest: str) -> None:
        self.cache, self.digest = cache, digest

    def language(self, recogniser: Recogniser, chunk: Chunk) -> str | None:
        """The language that was found in a piece; ``None`` where it was not asked for."""
        return self.cache.get_text(self._key(recogniser, "language 1", chunk.spans)) if self.cache else None

    def keep_language(self, recogniser: Recogniser, chunk: Chunk, language: str) -> None:
        """Keep it."""
        if self.cache is not None:
            self.cache.put_text(self._key(recogniser, "language 1", chunk.spans), language)

    def heard(self, recogniser: Recogniser, language: str | None, chunk: Chunk) -> Heard | None:
        """What a recogniser heard in a piece, with times of the recording; ``None`` where it was not asked."""
        if self.cache is None:
            return None
        text = self.cache.get_text(self._key(recogniser, f"{_PACKED} {language}", chunk.spans))
        if text is None:
            return None
        content = json.loads(text)
        words = tuple(HeardWord(*word) for word in content["words"])
        return Heard(words, tuple(Doubt(*doubt) for doubt in content["doubts"]))

    def keep_heard(self, recogniser: Recogniser, language: str | None, chunk: Chunk, heard: Heard) -> None:
        """Keep it."""
        if self.cache is not None:
            content = {"words": [astuple(w) for w in heard.words], "doubts": [astuple(d) for d in heard.doubts]}
            text = json.dumps(content, ensure_ascii=True)
            self.cache.put_text(self._key(recogniser, f"{_PACKED} {language}", chunk.spans), text)

    def vectors(self, encoder: SpeakerEncoder, spans: Sequence[Span]) -> np.ndarray | None:
        """``(W, D)`` vectors of the windows of a piece; ``None`` where they are not known."""
        stored = self.cache.get(self._key(encoder, _CUT, spans)) if self.cache is not None else None
        return stored.reshape(len(spans), encoder.width) if isinstance(stored, np.ndarray) else None

    def keep_vectors(self, encoder: SpeakerEncoder, spans: Sequence[Span], vectors: np.ndarray) -> None:
        """Keep them."""
        if self.cache is not None:
            self.cache.put(self._key(encoder, _CUT, spans), vectors.astype(np.float32).reshape(-1))

    def _key(self, maker: Recogniser | SpeakerEncoder, what: str, spans: Sequence[Span]) -> str:
        times = [time for span in spans for time in span]
        return feature_key({**maker.identity, "reading": SOUND, "what": what}, self.digest, *times)
