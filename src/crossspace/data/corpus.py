"""A corpus: conversations in splits, whether they are held in memory or read from a file as they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from crossspace.data.columns import Columns
from crossspace.data.conversation import Conversation
from crossspace.data.described import Described
from crossspace.data.features import ChosenFeatures, Features
from crossspace.data.index import Index
from crossspace.data.names import SPLITS
from crossspace.data.rows import BySplit, columns_of, conversation_at
from crossspace.data.split import ALL, Split, known_split
from crossspace.data.store.fingerprint import fingerprint
from crossspace.data.store.many import is_many, open_many, write_many
from crossspace.data.store.metadata import Metadata
from crossspace.data.store.parquet import DEFAULT_CACHE, open_store, write_store
from crossspace.data.task import TaskSpec
from crossspace.data.views import moved_splits, with_cut, with_modalities
from crossspace.errors import DataError, UsageError
from crossspace.stores import Where
from crossspace.stores import place as place_of

if TYPE_CHECKING:
    import pyarrow as pa


class Corpus(Described):
    """Conversations with their splits, labels and features.

    Within a split, conversations stand in the order of their ids. Wherever a split is named, ``"all"`` stands for
    every conversation of the corpus and ``None`` for those that belong to no split.

    Args:
        conversations: ``{split: conversations}``; the key ``None`` holds conversations without a split.
        spec: labels, widths and speakers. A modality that an utterance lacks is missing there.
        name, source, licence: what it is called, where it came from, under which terms.
        extractors: ``{modality: {"name", "version", "parameters"}}``, what made the features.
        ceilings: ``{split: best accuracy}``, where the process that made the corpus is known.
        heard: ``{conversation: what was heard of its recording}`` where a track or channels were chosen.

    Raises:
        DataError: the conversations do not hold together; every fault is named.
    """

    _verified = False

    def __init__(
        self,
        conversations: BySplit,
        spec: TaskSpec,
        *,
        name: str = "corpus",
        source: str = "",
        licence: str = "",
        extractors: Mapping[str, Mapping[str, Any]] | None = None,
        ceilings: Mapping[str, float] | None = None,
        heard: Mapping[str, str] | None = None,
    ) -> None:
        self.metadata = Metadata(spec, name, source, licence, extractors or {}, ceilings or {}, heard=heard or {})
        self._index, self._features = columns_of(conversations, spec)
        self._splits, self._mark = self._index.splits, ""

    @classmethod
    def from_columns(
        cls,
        metadata: Metadata,
        index: Index,
        features: Features,
        splits: tuple[str | None, ...] | None = None,
        mark: str = "",
    ) -> Corpus:
        """A corpus over columns known to be sorted and free of faults, with other splits or a known fingerprint."""
        # Past __init__, which would build the columns from conversations: here they are there already.
        corpus = cls.__new__(cls)
        corpus.metadata, corpus._index, corpus._features = metadata, index, features
        corpus._splits, corpus._mark = index.splits if splits is None else splits, mark
        return corpus

    @classmethod
    def read(cls, path: Where, cache_bytes: int = DEFAULT_CACHE) -> Corpus:
        """Open a corpus file, or a folder that :meth:`write_files` has filled.

        Features are decoded when they are needed, and ``cache_bytes`` of them are kept.

        Raises:
            DataError: the file is missing, damaged, no corpus, of a newer format, or its rows do not hold together.
        """
        # The stated fingerprint is believed until verify(): working it out would decode every feature.
        where = place_of(path)
        metadata, seal, index, features = (open_many if is_many(where) else open_store)(where, cache_bytes)
        return cls.from_columns(metadata, index, features, mark=seal.fingerprint)

    def write(self, path: Where) -> None:
        """Write a corpus file, whole or not at all; an old one of this name is replaced.

        Raises:
            CrossspaceError: it could not be written; what stood there before is unharmed.
        """
        write_store(path, self.metadata, self._index.with_splits(self._splits), self._features)

    def write_files(self, folder: Where, rows: int = 1_000_000) -> None:
        """Write the corpus into several files of a new folder, each a corpus of its own; together they are this one.

        Args:
            folder: new or empty.
            rows: utterances of a file, about; no conversation is cut.

        Raises:
            UsageError: there is something else in the folder, or there are no rows to a file.
            CrossspaceError: a file could not be written.
        """
        if rows < 1:
            raise UsageError(f"A file should have at least 1 row. Found {rows}.")
        write_many(folder, self.metadata, self._index.with_splits(self._splits), self._features, rows)

    @property
    def features(self) -> Features:
        """The vectors of all utterances, by their row in ``utterances("all")``."""
        return self._features

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits.

        Labels, widths, speakers, extractors, ids, texts, times, splits and features count; name, source and licence
        do not. A file states its own; :meth:`verify` works it out again.
        """
        if not self._mark:
            self._mark = self._fingerprint(self._features.digests())
        return self._mark

    def verify(self) -> None:
        """Work the fingerprint out from the content, which reads every feature; once is enough for an open corpus.

        Raises:
            DataError: it is not the one that the file states.
        """
        if self._verified:
            return
        measured = self._fingerprint(self._features.measure(self._index.groups()))
        if measured != self.fingerprint:
            raise DataError(
                f"Corpus {self.name!r}: the fingerprint should be {self.fingerprint}. Found {measured}: the file was "
                "changed after it was written. Import the corpus again."
            )
        self._verified = True

    def _fingerprint(self, digests: Mapping[str, str]) -> str:
        return fingerprint(self.metadata.content(), [self._index.table], self._splits, digests)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that hold conversations, in the order train, validation, test."""
        return tuple(name for name in SPLITS if name in self._splits)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(self._members(name))}" for name in (*self.splits, ALL))
        return f"Corpus({self.name!r}, conversations: {{{sizes}}})"

    def split(self, name: str | None) -> Split:
        """The conversations of a split (a split may be empty), built one by one when they are asked for.

        Raises:
            UsageError: there is no split of that name.
        """
        return Split(self, self._members(name))

    def conversation_ids(self, split: str | None) -> list[str]:
        """Ids of the conversations of a split."""
        return [self._index.conversation_ids[c] for c in self._members(split)]

    def lengths(self, split: str | None) -> list[int]:
        """Utterances of each conversation of a split."""
        return [int(n) for n in np.diff(self._index.starts)[self._members(split)]]

    def labels(self, split: str | None) -> np.ndarray:
        """(N,) int64 label index of every utterance of a split, -100 where unlabelled."""
        return self._labels[self._index.rows_of(self._members(split))]

    def sentiments(self, split: str | None) -> np.ndarray:
        """(N,) index of the second label of every utterance of a split, stated or implied, -100 where there is none."""
        return self._sentiments[self._index.rows_of(self._members(split))]

    def utterances(self, split: str | None, indices: Sequence[int] | None = None) -> pa.Table:
        """The utterances of a split without their features: ids, position, speaker, text, times, label and split.

        Args:
            split: its name.
            indices: conversations of it, by their place in it; all if not given.
        """
        members = self._members(split) if indices is None else self._members(split)[np.asarray(indices, dtype=np.int64)]
        return self._moved.take(self._index.rows_of(members))

    @cached_property
    def _moved(self) -> pa.Table:
        return self._index.with_splits(self._splits)

    def speaker_names(self, split: str | None) -> list[str]:
        """(N,) name of the speaker of every utterance of a split."""
        return self._index.table["speaker"].take(self._index.rows_of(self._members(split))).to_pylist()

    def coverage(self, split: str | None) -> dict[str, int]:
        """``{modality: utterances of a split that have it}``; of a file this reads the features."""
        # Span by span: the presence of a whole corpus at once would need its values in memory too.
        spans = [self._index.span(c) for c in self._members(split)]
        return {m: sum(int(p.sum()) for _, p in self._features.walk(m, spans)) for m in self.spec.widths}

    def occurring(self, split: str | None) -> list[str]:
        """The modalities that some utterance of a split has; of each no more is read than to the first one."""
        spans = [self._index.span(c) for c in self._members(split)]
        return [m for m in self.spec.widths if any(p.any() for _, p in self._features.walk(m, spans))]

    def columns(self, split: str | None, indices: Sequence[int]) -> Columns:
        """Conversations of a split, by their place in it, as arrays, without building utterance objects.

        Raises:
            DataError: the features cannot be read, or hold numbers that are not finite.
        """
        members = self._members(split)[np.asarray(indices, dtype=np.int64)]
        rows, spans = self._index.rows_of(members), [self._index.span(c) for c in members]
        self._features.expect(list(self.spec.widths), spans)
        taken = {m: self._features.take(m, spans) for m in self.spec.widths}
        return Columns(
            features={m: values for m, (values, _) in taken.items()},
            present={m: present for m, (_, present) in taken.items()},
            lengths=np.array([stop - start for start, stop in spans], dtype=np.int64),
            speakers=self._speakers[rows],
            labels=self._labels[rows],
            sentiments=self._sentiments[rows],
            conversation_ids=tuple(self._index.conversation_ids[c] for c in members),
        )

    def with_splits(self, splits: Mapping[str, str | None], cut: Mapping[str, Any] | None = None) -> Corpus:
        """The same corpus with some conversations in other splits; nothing is copied.

        Args:
            splits: ``{conversation id: split or None}``; conversations that are not named stay where they are.
            cut: by which rule, which the corpus then states; see :mod:`crossspace.data.cuts.recut`.

        Raises:
            UsageError: a conversation or a split is not known.
        """
        moved = moved_splits(self.name, self._index.conversation_ids, self._splits, splits)
        metadata = with_cut(self.metadata, self._splits, moved, cut)
        return Corpus.from_columns(metadata, self._index, self._features, moved)

    def with_modalities(self, names: Sequence[str]) -> Corpus:
        """The same corpus seen through some of its modalities; nothing is copied.

        Its fingerprint stays that of the whole, of which it is a view. Their order stays that of the corpus.

        Raises:
            UsageError: no modality is named, or one that the corpus lacks.
        """
        metadata = with_modalities(self.metadata, names)
        features = ChosenFeatures(self._features, {m: m for m in metadata.spec.widths})
        # The fingerprint of the whole: a view is of the very same data, and hashing it anew would read all features.
        return Corpus.from_columns(metadata, self._index, features, self._splits, mark=self.fingerprint)

    def blocks(self, split: str | None) -> np.ndarray:
        """(B,) of every conversation of a split, the number of the row group in which it stands."""
        ends = np.array([stop for _, stop in self._index.groups()], dtype=np.int64)
        return np.searchsorted(ends, self._index.starts[:-1][self._members(split)], side="right")

    def conversation(self, place: int) -> Conversation:
        """The conversation at a place of the whole corpus, with its utterances and features."""
        return conversation_at(place, self._index, self._features)

    @cached_property
    def _labels(self) -> np.ndarray:
        return self._index.labels(self.spec)

    @cached_property
    def _sentiments(self) -> np.ndarray:
        return self._index.sentiments(self.spec)

    @cached_property
    def _speakers(self) -> np.ndarray:
        return self._index.speakers(self.spec)

    def _members(self, split: str | None) -> np.ndarray:
        wanted = split if split in (None, ALL) else known_split(split)
        if wanted not in self._places:
            chosen = (c for c, name in enumerate(self._splits) if wanted == ALL or name == wanted)
            self._places[wanted] = np.fromiter(chosen, np.int64)
        return self._places[wanted]

    @cached_property
    def _places(self) -> dict[str | None, np.ndarray]:
        """Of the conversations of a split, once they were looked for."""
        return {}
