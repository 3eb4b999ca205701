"""Whose voice is heard when: what every moment of a recording says for each of its speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crossspace.features.speech.chunks import Span
from crossspace.features.speech.clusters import centres
from crossspace.features.speech.recognisers.base import HeardWord
from crossspace.features.speech.utterances import SpokenWord, ends_sentence
from crossspace.features.speech.windows import WINDOW

_SWITCH, _SWITCH_AT_PAUSE = 2.0, 0.5
"""How much must speak for another voice, in the logarithm of the odds, inside of a phrase and after a pause."""
_PAUSE = 0.2
"""Seconds; who takes the floor mostly begins after so much silence, or after the end of a sentence."""


@dataclass(frozen=True)
class Voices:
    """The voices of a recording.

    Attributes:
        spans: ``(W, 2)`` start and end of every window.
        likeness: ``(W, K)`` cosine of each window with the middle of each voice.
        rival: what takes the place of the second voice where there is one only: the cosine at which a voice is another.
        sharpness: how much one more in cosine says for a voice.
    """

    spans: np.ndarray
    likeness: np.ndarray
    rival: float
    sharpness: float

    @property
    def count(self) -> int:
        """K."""
        return self.likeness.shape[1]

    def likeness_of(self, spans: Sequence[Span]) -> np.ndarray:
        """``(N, K)`` cosine of each span with each voice: the mean over the windows that overlap it, by how much.

        A span that none overlaps is as the window nearest to it.
        """
        rows = np.zeros((len(spans), self.count))
        begins, ends = self.spans[:, 0], self.spans[:, 1]
        for row, (start, end) in enumerate(spans):
            # Starts rise, and no window is longer than WINDOW: only a few neighbours can overlap.
            low, high = np.searchsorted(begins, [start - WINDOW - 1e-6, end], side="left")
            shared = np.minimum(ends[low:high], end) - np.maximum(begins[low:high], start)
            weights = np.maximum(shared, 0.0)
            if weights.sum() > 0:
                rows[row] = weights @ self.likeness[low:high] / weights.sum()
            else:
                rows[row] = self.likeness[self._nearest((start + end) / 2)]
        return rows

    def _nearest(self, time: float) -> int:
        middles = self.spans.mean(axis=1)
        at = int(np.searchsorted(middles, time))
        around = [place for place in (at - 1, at) if 0 <= place < len(middles)]
        return min(around, key=lambda place: abs(middles[place] - time))

    def speakers_of(self, words: Sequence[HeardWord]) -> list[SpokenWord]:
        """Each word with its speaker: the most likely sequence, in which speakers seldom change inside of a phrase."""
        if not words:
            return []
        likeness = self.likeness_of([(word.start, word.end) for word in words])
        # Windows overlap and every one speaks for all of its words: each word has the part of its length.
        shares = np.array([min(max(word.end - word.start, 0.05), WINDOW) / WINDOW for word in words])
        path = _best_path(self.sharpness * likeness * shares[:, None], _switching(words))
        certainty = self._certainty(likeness, path)
        return [SpokenWord(w, int(k), float(p)) for w, k, p in zip(words, path, certainty, strict=True)]

    def _certainty(self, likeness: np.ndarray, path: np.ndarray) -> np.ndarray:
        own = likeness[np.arange(len(path)), path]
        others = np.where(np.arange(self.count) == path[:, None], -np.inf, likeness)
        rivals = others if self.count > 1 else np.full((len(path), 1), self.rival)
        odds = np.exp(np.clip(self.sharpness * (rivals - own[:, None]), -50.0, 50.0)).sum(axis=1)
        return 1.0 / (1.0 + odds)


def voices_of(
    spans: Sequence[Span], vectors: np.ndarray, count: int | None, same_voice: float, sharpness: float
) -> Voices:
    """The voices in windows of speech.

    Args:
        spans: of the windows, in rising order.
        vectors: ``(W, D)`` of the windows, rows of length 1.
        count: how many voices there are; found where it is not known.
        same_voice, sharpness: of the speaker encoder.
    """
    # Short windows tell little of a voice: they are compared with the middles, and make none.
    whole = np.array([end - start >= 2 / 3 * WINDOW for start, end in spans])
    enough = whole.sum() >= max(2, count or 0)
    middles = centres(vectors[whole] if enough else vectors, count, same_voice)
    return Voices(np.array(spans), vectors @ middles.T, same_voice, sharpness)


def _switching(words: Sequence[HeardWord]) -> np.ndarray:
    """What a change of speakers costs before each word but the first."""
    return np.array(
        [
            _SWITCH_AT_PAUSE if after.start - before.end >= _PAUSE or ends_sentence(before.text) else _SWITCH
            for before, after in pairwise(words)
        ]
    )


def _best_path(scores: np.ndarray, switching: np.ndarray) -> np.ndarray:
    """``(N,)`` the speakers of the best sequence by ``scores`` ``(N, K)``, less what changes cost (Viterbi)."""
    total, back = scores[0].copy(), np.zeros(scores.shape, dtype=int)
    for row in range(1, len(scores)):
        best = int(total.argmax())
        changed = total[best] - switching[row - 1]
        stays = total >= changed
        back[row] = np.where(stays, np.arange(len(total)), best)
        total = np.where(stays, total, changed) + scores[row]
    path = np.zeros(len(scores), dtype=int)
    path[-1] = int(total.argmax())
    for row in range(len(scores) - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path
