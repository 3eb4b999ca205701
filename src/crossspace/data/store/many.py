"""Many corpus files as one corpus: a folder with a list of them and of their fingerprints.

Each file is a corpus of its own, which every reader of Parquet opens. Together they are the corpus that one file of all
their rows would be, with the same fingerprint. The columns other than features are held in memory, features are read
row group by row group.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from crossspace.data.features import Features
from crossspace.data.index import Index
from crossspace.data.store.checks import count_faults, index_faults, refuse
from crossspace.data.store.fingerprint import fingerprint
from crossspace.data.store.metadata import Metadata, Seal, dump, parse
from crossspace.data.store.parquet import StoredFeatures, open_store, write_store
from crossspace.data.store.schema import index_schema
from crossspace.errors import DataError, UsageError
from crossspace.reading import reading
from crossspace.runtime import write_text
from crossspace.stores import Place, Where, place

LIST = "corpus.json"
_EXPECTED, _AGAIN = "the list of the files of a corpus", "Copy the folder again, or write it again."
_OPEN = 64
"""Files that are open at a time: a process may have no more than some hundreds."""


class ManyFeatures(Features):
    """Features of the files of a folder, which are opened when their rows are asked for.

    Args:
        paths: the files in order.
        rows: of each.
        widths: ``{modality: D}``.
        digests: of all together.
        cache_bytes: how much decoded data is kept, over all files.
    """

    def __init__(
        self,
        paths: Sequence[Place],
        rows: Sequence[int],
        widths: dict[str, int],
        digests: dict[str, str],
        cache_bytes: int,
    ) -> None:
        self.paths, self.rows, self.cache_bytes = list(paths), list(rows), cache_bytes
        self.widths: dict[str, int] = widths
        self._digests = digests
        self._starts = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
        self._files: OrderedDict[int, StoredFeatures] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # Open files and a lock cannot go to another process.
        return ManyFeatures, (self.paths, self.rows, self.widths, self._digests, self.cache_bytes)

    def digests(self) -> dict[str, str]:
        """As the list states them."""
        return dict(self._digests)

    def expect(self, modalities: Collection[str], spans: Sequence[tuple[int, int]]) -> None:
        """Handed on to the files that hold them."""
        theirs: dict[int, list[tuple[int, int]]] = {}
        for span in spans:
            for number, start, stop in self._within(*span):
                theirs.setdefault(number, []).append((start, stop))
        for number in set(self._files) - set(theirs):
            self._file(number).expect(modalities, ())  # it lets go of what it holds
        # A file that is closed again before it is read would have fetched for nothing.
        for number in list(theirs)[:_OPEN]:
            self._file(number).expect(modalities, theirs[number])

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the files that hold them."""
        pieces = [self._file(number).read(modality, *span) for number, *span in self._within(start, stop)]
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([values for values, _ in pieces]), np.concatenate([present for _, present in pieces])

    def _within(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The files in which rows stand, and which rows of theirs these are."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, max(stop - 1, start), side="right")) - 1
        for number in range(first, last + 1):
            begin, end = int(self._starts[number]), int(self._starts[number + 1])
            yield number, max(start, begin) - begin, min(stop, end) - begin

    def _file(self, number: int) -> StoredFeatures:
        with self._lock:
            if number not in self._files:
                kept = self.cache_bytes // min(len(self.paths), _OPEN)
                self._files[number] = StoredFeatures(self.paths[number], self.widths, {}, kept)
            self._files.move_to_end(number)
            if len(self._files) > _OPEN:
                self._files.popitem(last=False)
            return self._files[number]


def is_many(path: Place) -> bool:
    """Whether a folder holds the files of a corpus."""
    # Of a file by its name nobody is asked: a store would be, over a network.
    return path.suffix != ".parquet" and path.is_dir() and (path / LIST).exists()


def open_many(folder: Where, cache_bytes: int) -> tuple[Metadata, Seal, Index, ManyFeatures]:
    """Open the files of a folder as one corpus.

    Raises:
        DataError: the list or a file is damaged, a file is missing or another than is listed, or together their rows do
            not hold together (every fault is named).
    """
    folder = place(folder)
    with reading(folder / LIST, _EXPECTED, _AGAIN):
        content = json.loads((folder / LIST).read_text(encoding="utf-8"))
        listed = [(str(entry["name"]), str(entry["fingerprint"])) for entry in content["files"]]
        head = json.dumps(content["corpus"]).encode()
    metadata, seal = parse(head, folder / LIST)
    faults = [f"{name!r} is no name of a file in it" for name, _ in listed if "/" in name or "\\" in name]
    refuse(folder / LIST, faults, _AGAIN)
    tables, rows = [], []
    for name, mark in listed:
        own, file_seal, index, _ = open_store(folder / name, 0)
        if file_seal.fingerprint != mark or own.content() != metadata.content():
            raise DataError(
                f"{folder / name} should be the file with the fingerprint {mark[:12]} of this corpus. Found "
                f"{file_seal.fingerprint[:12]}, or other labels, widths, speakers or extractors. {_AGAIN}"
            )
        tables.append(index.table)
        rows.append(len(index))
    table = _together(tables, list(metadata.spec.widths))
    faults = index_faults(table, metadata.spec.labels, metadata.spec.sentiments)
    refuse(folder, [*faults, *count_faults(table, seal.conversations, seal.utterances)], _AGAIN)
    paths = [folder / name for name, _ in listed]
    features = ManyFeatures(paths, rows, dict(metadata.spec.widths), dict(seal.features), cache_bytes)
    return metadata, seal, Index(table), features


def write_many(folder: Where, metadata: Metadata, table: pa.Table, features: Features, rows: int) -> Seal:
    """Write a corpus into several files of a new folder; the list comes last, and without it they are no corpus.

    Args:
        folder: new or empty, or one that such a writing left half-way.
        metadata: the description of the corpus.
        table: the index with its splits, sorted.
        features: the vectors of its rows.
        rows: of a file, about; no conversation is cut.

    Raises:
        UsageError: there is something else in the folder.
        WritingError: a file could not be written.
    """
    folder = place(folder)
    if folder.exists() and (is_many(folder) or not folder.is_dir() or any(_strange(p) for p in folder.iterdir())):
        raise UsageError(f"{folder} should be a new or empty folder. Found one with other files; name another.")
    index, files = Index(table), []
    for number, (start, stop) in enumerate(_spans(index, rows)):
        name = f"part-{number:05d}.parquet"
        part = _Window(features, start, stop)
        seal = write_store(folder / name, metadata, table.slice(start, stop - start), part)
        files.append({"name": name, "fingerprint": seal.fingerprint, "utterances": stop - start})
    digests = features.digests()
    mark = fingerprint(metadata.content(), [index.table], index.splits, digests)
    seal = Seal(mark, digests, len(index.conversation_ids), len(index))
    content = {"corpus": json.loads(dump(metadata, seal)), "files": files}
    write_text(folder / LIST, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return seal


class _Window(Features):
    """Some rows of features as if they were all."""

    def __init__(self, whole: Features, start: int, stop: int) -> None:
        self._whole, self._start, self._stop, self.widths = whole, start, stop, dict(whole.widths)
        self._digests: dict[str, str] = {}

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return self._whole.read(modality, self._start + start, self._start + stop)

    def expect(self, modalities: Collection[str], spans: Sequence[tuple[int, int]]) -> None:
        self._whole.expect(modalities, [(self._start + start, self._start + stop) for start, stop in spans])

    def digests(self) -> dict[str, str]:
        if not self._digests:
            self._digests = self.measure([(0, self._stop - self._start)])
        return dict(self._digests)


def _spans(index: Index, rows: int) -> Iterator[tuple[int, int]]:
    """Of row groups that stand in a file together."""
    start = stop = 0
    for first, last in index.groups():
        if first > start and last - start > rows:
            yield start, first
            start = first
        stop = last
    if stop > start:
        yield start, stop


def _together(tables: Sequence[pa.Table], modalities: Sequence[str]) -> pa.Table:
    """The rows of all; a column that not every file has is null in the others."""
    schema = index_schema((name for table in tables for name in table.column_names), modalities)
    if not tables:
        return schema.empty_table()
    return pa.concat_tables(
        pa.table([t[f.name] if f.name in t.column_names else pa.nulls(len(t), f.type) for f in schema], schema=schema)
        for t in tables
    )


def _strange(path: Place) -> bool:
    return not (path.name.startswith("part-") and path.name.endswith(".parquet"))
