"""Where the feature vectors of a corpus are kept; a corpus asks for rows and need not know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from crossspace.data.fingerprint import FeatureDigest


class Features(ABC):
    """Feature vectors of N utterances, by modality and row.

    Attributes:
        widths: ``{modality: D}``.
    """

    widths: Mapping[str, int]

    @abstractmethod
    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows ``start`` to ``stop``: values (n, D) float32 and which are present (n,) bool; neither to be written to.

        Rows where the modality is missing hold zeros.

        Raises:
            DataError: the rows cannot be read, or hold numbers that are not finite.
        """

    @abstractmethod
    def digests(self) -> dict[str, str]:
        """``{modality: SHA-256 of its rows}``, see :class:`~crossspace.data.fingerprint.FeatureDigest`."""

    def take(self, modality: str, spans: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        """The rows of several spans one after the other, in arrays of the caller's own."""
        pieces = [self.read(modality, start, stop) for start, stop in spans]
        if not pieces:
            return np.zeros((0, self.widths[modality]), np.float32), np.zeros(0, bool)
        return np.concatenate([values for values, _ in pieces]), np.concatenate([present for _, present in pieces])

    def measure(self, spans: Iterable[tuple[int, int]]) -> dict[str, str]:
        """Digests worked out from the rows themselves, which ``spans`` must cover in order."""
        spans, found = list(spans), {}
        for modality in self.widths:
            digest = FeatureDigest()
            for start, stop in spans:
                digest.update(*self.read(modality, start, stop))
            found[modality] = digest.hexdigest()
        return found


class ArrayFeatures(Features):
    """Features held in memory.

    Args:
        values: ``{modality: (N, D)}`` float32, zeros where the modality is missing.
        present: ``{modality: (N,)}`` bool.
    """

    def __init__(self, values: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]) -> None:
        self.widths = {m: array.shape[1] for m, array in values.items()}
        self._values, self._present = values, present
        self._digests: dict[str, str] = {}

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Views of the arrays."""
        return self._values[modality][start:stop], self._present[modality][start:stop]

    def digests(self) -> dict[str, str]:
        """Worked out once."""
        if not self._digests:
            self._digests = self.measure([(0, len(next(iter(self._values.values()))))])
        return dict(self._digests)


class ChosenFeatures(Features):
    """Some modalities of features that are kept elsewhere.

    Args:
        whole: where they are kept.
        names: the modalities to be seen.
    """

    def __init__(self, whole: Features, names: Iterable[str]) -> None:
        self._whole = whole
        self.widths = {m: whole.widths[m] for m in names}

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows ``start`` to ``stop`` of a modality."""
        return self._whole.read(modality, start, stop)

    def digests(self) -> dict[str, str]:
        """Digests of the chosen modalities."""
        return {m: digest for m, digest in self._whole.digests().items() if m in self.widths}
