"""Word error rate: how many words of what was said a recogniser changed, left out or added."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SPELLED = {"mr": "mister", "mrs": "missus", "dr": "doctor"}


@dataclass(frozen=True)
class WordErrors:
    """Counts over some texts.

    Attributes:
        words: of the references.
        substituted, deleted, inserted: of the best alignment.
    """

    words: int = 0
    substituted: int = 0
    deleted: int = 0
    inserted: int = 0

    @property
    def rate(self) -> float:
        """All errors over the words of the references."""
        return (self.substituted + self.deleted + self.inserted) / max(self.words, 1)

    def __add__(self, other: WordErrors) -> WordErrors:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return WordErrors(*(a + b for a, b in pairs))


def normalised(text: str) -> list[str]:
    """The words of a text in lower case, without signs (an apostrophe inside of a word stays), ``mr`` spelled out.

    Hyphens part words. Numbers in figures stay figures, so that 'five' and '5' differ.
    """
    words = re.sub(r"[^\w' ]+", " ", text.lower().replace("\u2019", "'")).replace("_", " ").split()
    return [_SPELLED.get(word, word) for word in (w.strip("'") for w in words) if word]


def word_errors(reference: str, found: str) -> WordErrors:
    """The fewest changes that make one text of the other."""
    said, heard = normalised(reference), normalised(found)
    # (errors, substituted, deleted, inserted) of every prefix; ties go to fewer substitutions.
    row = [(j, 0, 0, j) for j in range(len(heard) + 1)]
    for i, word in enumerate(said, start=1):
        new = [(i, 0, i, 0)]
        for j, other in enumerate(heard, start=1):
            (e0, s0, d0, i0), (e1, s1, d1, i1), (e2, s2, d2, i2) = row[j - 1], row[j], new[j - 1]
            differs = int(word != other)
            new.append(min((e0 + differs, s0 + differs, d0, i0), (e1 + 1, s1, d1 + 1, i1), (e2 + 1, s2, d2, i2 + 1)))
        row = new
    _, substituted, deleted, inserted = row[-1]
    return WordErrors(len(said), substituted, deleted, inserted)


def references(folder: Path) -> Iterable[tuple[Path, str]]:
    """``(recording, text)`` of a folder whose file ``*transcription`` has lines ``<s> words </s> (name)``."""
    (listing,) = folder.glob("*transcription")
    for line in listing.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(?:<s>)?(.*?)(?:</s>)?\s*\(([^()]+)\)\s*", line):
            yield folder / f"{match.group(2)}.wav", match.group(1).strip()


def spread(values: list[float]) -> str:
    """Mean and standard deviation, in percent."""
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1 if len(values) > 1 else 0):.1f}"
