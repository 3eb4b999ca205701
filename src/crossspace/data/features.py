"""Where the feature vectors of a corpus are kept; a corpus asks for rows and need not know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from crossspace.data.store.fingerprint import FeatureDigest

_TOGETHER = 64
"""Spans that are fetched together where many are read one after the other."""


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

    def expect(self, modalities: Collection[str], spans: Sequence[tuple[int, int]]) -> None:  # noqa: B027
        """Told which rows will be read next: where they stand on a store, they are fetched together."""

    @abstractmethod
    def digests(self) -> dict[str, str]:
        """``{modality: SHA-256 of its rows}``, see :class:`~crossspace.data.store.fingerprint.FeatureDigest`."""

    def take(self, modality: str, spans: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        """The rows of several spans one after the other, in arrays of the caller's own."""
        pieces = [self.read(modality, start, stop) for start, stop in spans]
        if not pieces:
            # np.concatenate refuses an empty list.
            return np.zeros((0, self.widths[modality]), np.float32), np.zeros(0, bool)
        return np.concatenate([values for values, _ in pieces]), np.concatenate([present for _, present in pieces])

    def measure(self, spans: Iterable[tuple[int, int]]) -> dict[str, str]:
        """Digests worked out from the rows themselves, which ``spans`` must cover in order."""
        spans, digests = list(spans), {}
        for modality in self.widths:
            digest = FeatureDigest()
            for values, present in self.walk(modality, spans):
                digest.update(values, present)
            digests[modality] = digest.hexdigest()
        return digests

    def walk(self, modality: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The rows of each of many spans in turn."""
        for first in range(0, len(spans), _TOGETHER):
            self.expect([modality], spans[first : first + _TOGETHER])
            for start, stop in spans[first : first + _TOGETHER]:
                yield self.read(modality, start, stop)


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
    """Some modalities of features that are kept elsewhere, under other names.

    Args:
        whole: where they are kept.
        names: ``{modality: its name there}``.
    """

    def __init__(self, whole: Features, names: Mapping[str, str]) -> None:
        self._whole, self._names = whole, dict(names)
        self.widths = {m: whole.widths[name] for m, name in names.items()}

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows ``start`` to ``stop`` of a modality."""
        return self._whole.read(self._names[modality], start, stop)

    def expect(self, modalities: Collection[str], spans: Sequence[tuple[int, int]]) -> None:
        """Handed on, by the names there."""
        self._whole.expect([self._names[m] for m in modalities], spans)

    def digests(self) -> dict[str, str]:
        """Digests of the chosen modalities."""
        digests = self._whole.digests()
        return {m: digests[name] for m, name in self._names.items()}


class JoinedFeatures(Features):
    """Features of a corpus, and others whose rows stand elsewhere in another order; both are read when asked for.

    Args:
        own: of the corpus.
        others: of other rows.
        rows: (N,) the row of ``others`` for each of the corpus, -1 where there is none: the modality is missing there.
        names: ``{modality: its name in others}``; one of the same name takes the place of the corpus's own.
        spans: of rows that are measured together.
    """

    def __init__(
        self,
        own: Features,
        others: Features,
        rows: np.ndarray,
        names: Mapping[str, str],
        spans: Sequence[tuple[int, int]],
    ) -> None:
        self._own, self._others, self._rows, self._names, self._spans = own, others, rows, dict(names), spans
        self.widths = {**own.widths, **{m: others.widths[name] for m, name in names.items()}}
        self._digests: dict[str, str] = {}

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows ``start`` to ``stop``, gathered where they are those of others."""
        if modality not in self._names:
            return self._own.read(modality, start, stop)
        rows = self._rows[start:stop]
        values = np.zeros((len(rows), self.widths[modality]), dtype=np.float32)
        present = np.zeros(len(rows), dtype=bool)
        # The other rows are read in rising order and in runs of neighbours: a row group is not decoded time and again.
        order = np.argsort(rows, kind="stable")
        order = order[rows[order] >= 0]
        for run in np.split(order, np.flatnonzero(np.diff(rows[order]) != 1) + 1) if len(order) else ():
            first = int(rows[run[0]])
            values[run], present[run] = self._others.read(self._names[modality], first, first + len(run))
        return values, present

    def expect(self, modalities: Collection[str], spans: Sequence[tuple[int, int]]) -> None:
        """Handed on for what is the corpus's own."""
        self._own.expect([m for m in modalities if m not in self._names], spans)

    def digests(self) -> dict[str, str]:
        """Those of the corpus, and those of the others in the order of its rows, worked out once."""
        if not self._digests:
            own = {m: digest for m, digest in self._own.digests().items() if m not in self._names}
            self._digests = {**own, **ChosenFeatures(self, {m: m for m in self._names}).measure(self._spans)}
        return dict(self._digests)
