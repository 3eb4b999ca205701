"""The fingerprint of a corpus: equal for equal content, whether in memory, in a file, or read back from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa


class FeatureDigest:
    """SHA-256 of the features of one modality, fed in pieces of any size in the order of the rows.

    Which rows are present, and the values of those only, are what counts; what stands at a missing row does not.
    """

    def __init__(self) -> None:
        self._present = hashlib.sha256()
        self._values = hashlib.sha256()

    def update(self, values: np.ndarray, present: np.ndarray) -> None:
        """Add rows: ``values`` (n, D) float32, ``present`` (n,) bool."""
        self._present.update(present.astype(np.uint8).tobytes())
        # Little-endian whatever the machine, so that a fingerprint is the same everywhere.
        counted = values if present.all() else values[present]
        self._values.update(np.ascontiguousarray(counted, dtype="<f4").data)

    def hexdigest(self) -> str:
        """The digest of all rows so far, 64 hexadecimal digits."""
        return hashlib.sha256(self._present.digest() + self._values.digest()).hexdigest()


def index_digest(pieces: Iterable[pa.Table]) -> str:
    """SHA-256 of every column but features and splits, row by row, of a table in one or several pieces."""
    digest = hashlib.sha256()
    for piece in pieces:
        names = [name for name in piece.column_names if name != "split"]
        for batch in piece.select(names).to_batches(max_chunksize=4096):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                digest.update(_canonical(row))
    return digest.hexdigest()


def fingerprint(
    content: Mapping[str, Any], index: Iterable[pa.Table], splits: Iterable[str | None], features: Mapping[str, str]
) -> str:
    """SHA-256 over the whole content of a corpus.

    Args:
        content: the metadata that give the rows their meaning.
        index: ids, speakers, positions, texts, times and labels, in one or several pieces.
        splits: split of every conversation, in order.
        features: digest of every modality.
    """
    digest = hashlib.sha256()
    for part in (content, index_digest(index), list(splits), sorted(features.items())):
        digest.update(_canonical(part))
    return digest.hexdigest()


def _canonical(value: Mapping[str, Any] | Sequence[Any] | str) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n"
