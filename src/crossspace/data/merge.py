"""From parts to one corpus: streamed in order, so that memory holds what decides of the whole and no row of it.

Three passes: one looks at everything and measures the features, one measures the other columns as they will be, and one
writes. A corpus states its fingerprint in its head, which stands before its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import HASH, cut_validation
from crossspace.data.cuts.rules import VALIDATION_FRACTION
from crossspace.data.features import ArrayFeatures
from crossspace.data.index import Index, row_groups
from crossspace.data.part import Part, features_of, parts_of
from crossspace.data.store.fingerprint import FeatureDigest, fingerprint
from crossspace.data.store.metadata import Metadata, Seal, dump
from crossspace.data.store.parquet import writer
from crossspace.data.store.schema import INDEX_SCHEMA, METADATA_KEY, feature_field, index_schema
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError
from crossspace.runtime import replacing
from crossspace.stores import Place, Where

Relabel = Callable[[str], str | None]
MOST_SPEAKERS = 16
_SHOWN = 20


@dataclass
class _Survey:
    """What was seen of all parts.

    Attributes:
        ids, splits: of the conversations, in order.
        lengths: utterances of each.
        columns: names of the optional columns that occur.
        labels: utterances of each label.
        most_speakers: of one conversation.
        heard: ``{conversation id: track or channels}``.
        digests: of the features.
        numbered: every id of an utterance is a number.
        hashes: of the ids of utterances, eight bytes for each.
    """

    ids: list[str] = field(default_factory=list)
    splits: list[str | None] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    labels: Counter[str] = field(default_factory=Counter)
    most_speakers: int = 0
    heard: dict[str, str] = field(default_factory=dict)
    digests: dict[str, FeatureDigest] = field(default_factory=dict)
    numbered: bool = True
    hashes: list[np.ndarray] = field(default_factory=list)

    @property
    def starts(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])


@dataclass(frozen=True)
class Merging:
    """What a corpus is to be, beyond the rows of its parts.

    Attributes:
        widths: ``{modality: D}``.
        extractors: ``{modality: identity}``.
        labels: in order; those that occur, in the order of the alphabet, if none are given.
        relabel: the label of the corpus for one of a part; None where it stands for none.
        check: given ``(utterance, label)`` of all utterances, raises :class:`DataError` for labels that may not be.
        speakers: names where they mean the same everywhere, or how many are told apart in a conversation; by default
            as many as the conversation with most has, and no more than 16.
        name, source, licence: as the corpus states them.
        validation_cut, validation_fraction, seed: see :func:`~crossspace.data.cuts.recut.cut_validation`.
    """

    widths: Mapping[str, int]
    extractors: Mapping[str, Mapping]
    labels: tuple[str, ...] = ()
    relabel: Relabel = lambda label: label
    check: Callable[[Iterable[tuple[str, str | None]]], None] = lambda labels: None
    speakers: int | tuple[str, ...] | None = None
    name: str = "corpus"
    source: str = ""
    licence: str = ""
    validation_cut: str = HASH
    validation_fraction: float = VALIDATION_FRACTION
    seed: int = 0


def merge_parts(
    paths: Sequence[Place], made_by: str, target: Where, merging: Merging
) -> tuple[Corpus, Mapping[str, int]]:
    """Write the corpus of parts, and open it; beside it ``{label: utterances}`` as the parts have them.

    Utterance ids stay where no two are the same; those that are counted anew in every conversation are all preceded by
    the id of the conversation, ``<conversation>_<id>``.

    Args:
        paths: the parts in the order of their conversations.
        made_by: the digest of the plan by which all of them were made.
        target: the corpus file.
        merging: what it is to be.

    Raises:
        DataError: a part is damaged, or one of another corpus; or together they do not hold together.
        UsageError: the cut is impossible.
        WritingError: the corpus could not be written; what stood there before is unharmed.
    """
    survey = _survey(paths, made_by, merging.widths)
    merging.check(_labelled(paths, merging))
    prefixed = _need_prefix(paths, survey, merging)
    described = _described(paths, survey, merging)
    splits = dict(zip(survey.ids, described.index_splits, strict=True))

    def finished(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        return (_finished(t, described.schema, merging.relabel, splits, prefixed) for t in tables)

    digests = {m: digest.hexdigest() for m, digest in survey.digests.items()}
    indexes = finished(part.index() for part in _parts(paths, made_by, merging.widths))
    mark = fingerprint(described.metadata.content(), indexes, described.index_splits, digests)
    seal = Seal(mark, digests, len(survey.ids), sum(survey.lengths))
    head = {METADATA_KEY: dump(described.metadata, seal)}
    schema = pa.schema([*described.schema, *(feature_field(m, d) for m, d in merging.widths.items())], head)
    rows = finished(t for part in _parts(paths, made_by, merging.widths) for t in part.tables())
    with replacing(target) as temporary, writer(temporary, schema) as file:
        for group in _regrouped(rows, row_groups(survey.starts)):
            file.write_table(group.cast(schema), row_group_size=len(group))
    return Corpus.read(target), survey.labels


def notes_of(paths: Sequence[Place], widths: Mapping[str, int]) -> Iterator[tuple[str, Sequence[str]]]:
    """``(conversation id, sentences)`` of all parts, in order."""
    for part in parts_of(paths, widths):
        yield from part.facts.notes.items()


def _parts(paths: Sequence[Place], made_by: str, widths: Mapping[str, int]) -> Iterator[Part]:
    for part in parts_of(paths, widths):
        if part.facts.made_by != made_by:
            raise DataError(
                f"{part.path}: a part that was made by the same plan as the others is expected. Found one of another. "
                "Remove it and run the same command again."
            )
        yield part


def _survey(paths: Sequence[Place], made_by: str, widths: Mapping[str, int]) -> _Survey:
    survey = _Survey(digests={m: FeatureDigest() for m in widths})
    for part in _parts(paths, made_by, widths):
        survey.heard |= part.facts.heard
        survey.columns |= set(part.index_schema.names) - set(INDEX_SCHEMA.names)
        for table in part.tables():
            _take_note(survey, part.path, table)
            for modality, digest in survey.digests.items():
                digest.update(*features_of(table, modality))
    if not survey.ids:
        raise DataError("A corpus should have a conversation at least. Found none.")
    return survey


def _take_note(survey: _Survey, path: Place, table: pa.Table) -> None:
    index = Index(table.select(["conversation_id", "split"]))  # no conversation is cut by a row group
    names = list(index.conversation_ids)
    if names != sorted(set(names)) or (survey.ids and names[0] <= survey.ids[-1]):
        raise DataError(f"{path}: conversations should follow those of the parts before. Found {names[0]!r} again.")
    survey.ids += names
    survey.splits += index.splits
    survey.lengths += np.diff(index.starts).tolist()
    counts = table.group_by("conversation_id").aggregate([("speaker", "count_distinct")])
    survey.most_speakers = max(survey.most_speakers, pc.max(counts["speaker_count_distinct"]).as_py())
    for entry in pc.value_counts(table["label"]).to_pylist():
        if entry["values"] is not None:
            survey.labels[entry["values"]] += entry["counts"]
    survey.hashes.append(_hashes(table["utterance_id"].to_pylist()))
    survey.numbered = survey.numbered and pc.all(pc.utf8_is_decimal(table["utterance_id"])).as_py()


def _labelled(paths: Sequence[Place], merging: Merging) -> Iterator[tuple[str, str | None]]:
    for part in parts_of(paths, merging.widths):
        table = part.index()
        for name, label in zip(table["utterance_id"].to_pylist(), table["label"].to_pylist(), strict=True):
            yield f"utterance {name!r}", label


def _need_prefix(paths: Sequence[Place], survey: _Survey, merging: Merging) -> bool:
    """Whether the ids of utterances have to carry those of their conversations to be told apart."""
    prefixed = len(survey.ids) == 1 and survey.numbered
    if not prefixed and _repeated(survey.hashes, _utterance_ids(paths, merging, False)):
        prefixed = True
    with_prefix = _utterance_ids(paths, merging, True)
    if prefixed and (twice := _repeated(map(_hashes, with_prefix()), with_prefix)):
        shown = ", ".join(map(repr, sorted(twice)[:_SHOWN]))
        raise DataError(
            f"Utterances should have ids of their own. Found these more than once: {shown}. Mend the source."
        )
    return prefixed


def _utterance_ids(paths: Sequence[Place], merging: Merging, prefixed: bool) -> Callable[[], Iterator[list[str]]]:
    def ids() -> Iterator[list[str]]:
        for part in parts_of(paths, merging.widths):
            table = part.index()
            yield (_preceded(table) if prefixed else table["utterance_id"]).to_pylist()

    return ids


def _hashes(ids: Sequence[str]) -> np.ndarray:
    return np.fromiter(map(hash, ids), np.int64, len(ids))


def _repeated(hashes: Iterable[np.ndarray], ids: Callable[[], Iterator[list[str]]]) -> set[str]:
    """Ids that stand more than once, by their hashes."""
    sorted_ = np.sort(np.concatenate(list(hashes)))
    suspicious = set(sorted_[1:][sorted_[1:] == sorted_[:-1]].tolist())
    if not suspicious:
        return set()
    # Two ids may have one hash: only now it is looked at the ids themselves.
    counts = Counter(name for some in ids() for name in some if hash(name) in suspicious)
    return {name for name, count in counts.items() if count > 1}


def _preceded(table: pa.Table) -> pa.ChunkedArray:
    """The ids of utterances with those of their conversations before them, once."""
    before = pc.binary_join_element_wise(table["conversation_id"], "", "_")
    whole = pc.binary_join_element_wise(before, table["utterance_id"], "")
    # Made-up ids carry the conversation already; Arrow compares no two columns by their beginnings.
    has = [i.startswith(b) for i, b in zip(table["utterance_id"].to_pylist(), before.to_pylist(), strict=True)]
    return pc.if_else(pa.array(has, pa.bool_()), table["utterance_id"], whole)


@dataclass(frozen=True)
class _Described:
    metadata: Metadata
    index_splits: tuple[str | None, ...]
    schema: pa.Schema


def _described(paths: Sequence[Place], survey: _Survey, merging: Merging) -> _Described:
    """The description of the corpus, and the split of every conversation."""
    occurring = {label for label in map(merging.relabel, survey.labels) if label is not None}
    labels = merging.labels or tuple(sorted(occurring))
    # Counted from what occurs, within bounds: names of a crowd (Guest 1, Guest 2) would blow up the speaker table.
    speakers = merging.speakers or min(max(survey.most_speakers, 2), MOST_SPEAKERS)
    metadata = Metadata(
        TaskSpec(tuple(labels), dict(merging.widths), speakers),
        merging.name,
        merging.source,
        merging.licence,
        merging.extractors,
        heard=survey.heard,
    )
    skeleton = _skeleton(paths, survey, metadata, merging)
    cut = cut_validation(skeleton, merging.validation_cut, fraction=merging.validation_fraction, seed=merging.seed)
    splits = {name: split for split in cut.splits for name in cut.conversation_ids(split)}
    schema = index_schema(survey.columns, merging.widths)
    return _Described(replace(metadata, cut=cut.cut), tuple(splits.get(name) for name in survey.ids), schema)


def _skeleton(paths: Sequence[Place], survey: _Survey, metadata: Metadata, merging: Merging) -> Corpus:
    """As much of the corpus as a rule looks at: ids and splits, of rules on rows their labels and speakers too."""
    if merging.validation_cut == HASH:
        table = pa.table({"conversation_id": survey.ids, "split": pa.array(survey.splits, pa.string())})
    else:
        names = ["conversation_id", "split", "speaker", "label"]
        table = pa.concat_tables(part.index().select(names) for part in parts_of(paths, merging.widths))
        table = _relabelled(table, merging.relabel)
    empty = {m: np.zeros((0, d), np.float32) for m, d in merging.widths.items()}
    return Corpus.from_columns(metadata, Index(table), ArrayFeatures(empty, {m: np.zeros(0, bool) for m in empty}))


def _relabelled(table: pa.Table, relabel: Relabel) -> pa.Table:
    coded = table["label"].combine_chunks().dictionary_encode()
    named = pa.array([relabel(label) for label in coded.dictionary.to_pylist()], pa.string())
    return table.set_column(table.schema.get_field_index("label"), "label", named.take(coded.indices))


def _finished(
    table: pa.Table, schema: pa.Schema, relabel: Relabel, splits: Mapping[str, str | None], prefixed: bool
) -> pa.Table:
    """Rows of a part as they stand in the corpus, features behind where there are any."""
    table = _relabelled(table, relabel)
    names = table["conversation_id"].combine_chunks().dictionary_encode()
    split = pa.array([splits[name] for name in names.dictionary.to_pylist()], pa.string()).take(names.indices)
    columns = {name: table[name] for name in table.column_names} | {"split": split}
    if prefixed:
        columns["utterance_id"] = _preceded(table)
    for wanted in schema:
        columns.setdefault(wanted.name, pa.nulls(len(table), wanted.type))
    index = pa.table([columns.pop(f.name) for f in schema], schema=schema)
    for name, column in columns.items():
        index = index.append_column(name, column)
    return index


def _regrouped(tables: Iterable[pa.Table], spans: Iterable[tuple[int, int]]) -> Iterator[pa.Table]:
    """The rows in other pieces."""
    waiting, held, rest = [], 0, iter(tables)
    for start, stop in spans:
        while held < stop - start:
            waiting.append(next(rest))
            held += len(waiting[-1])
        whole = pa.concat_tables(waiting)
        yield whole.slice(0, stop - start).combine_chunks()
        waiting, held = [whole.slice(stop - start)], held - (stop - start)
