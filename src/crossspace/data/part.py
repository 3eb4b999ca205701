"""A part of a corpus that is still being made: some of its conversations in a file of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.data.conversation import Conversation
from crossspace.data.rows import part_columns
from crossspace.data.store.parquet import open_parquet, read_group, to_arrays, to_column, writer
from crossspace.data.store.schema import INDEX_SCHEMA, feature_column, feature_field, optional_fields
from crossspace.errors import DataError
from crossspace.reading import reading
from crossspace.runtime import replacing
from crossspace.stores import Place
from crossspace.stores.ahead import ahead

KEY, NAME = b"crossspace.part", b"crossspace.part.name"
AGAIN = "Remove it and run the same commands again: it is made anew."


@dataclass(frozen=True)
class PartFacts:
    """What a part says of itself.

    Attributes:
        made_by: the digest of the plan by which it was made.
        notes: ``{conversation id: sentences}`` on what was mended or left out.
        heard: ``{conversation id: track or channels}`` where they were chosen.
    """

    made_by: str
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    heard: Mapping[str, str] = field(default_factory=dict)


def write_part(
    path: Place, conversations: Sequence[tuple[str | None, Conversation]], widths: Mapping[str, int], facts: PartFacts
) -> None:
    """Write conversations with their splits, sorted by id, whole or not at all.

    Raises:
        DataError: the conversations do not hold together; every fault is named.
        WritingError: they could not be written.
    """
    index, features = part_columns(conversations, widths)
    schema = pa.schema(
        [*index.table.schema, *(feature_field(m, d) for m, d in widths.items())],
        {KEY: json.dumps(asdict(facts), ensure_ascii=False).encode(), NAME: path.stem.encode()},
    )
    with replacing(path) as temporary, writer(temporary, schema) as file:
        for start, stop in index.groups():
            columns = list(index.table.slice(start, stop - start).columns)
            columns += [to_column(*features.read(m, start, stop)) for m in widths]
            file.write_table(pa.table(columns, schema=schema), row_group_size=stop - start)


class Part:
    """A part that was written before.

    Args:
        path: of its file.
        widths: ``{modality: D}`` of its features.

    Raises:
        DataError: it is missing, damaged, or of other features.
    """

    def __init__(self, path: Place, widths: Mapping[str, int]) -> None:
        self.path, self.widths = path, widths
        self._file = open_part(path)
        with reading(path, "a part of a corpus (Parquet)", AGAIN):
            raw = (self._file.metadata.metadata or {})[KEY]
            self.facts = PartFacts(**json.loads(raw))
        schema = self._file.schema_arrow
        expected = pa.schema(
            [*INDEX_SCHEMA, *optional_fields(schema), *(feature_field(m, d) for m, d in widths.items())]
        )
        if not expected.equals(schema.remove_metadata()):
            raise DataError(
                f"{path}: a part of this corpus has the columns {expected.names}. Found {schema.names}. {AGAIN}"
            )
        self.index_schema = pa.schema([f for f in expected if f.name not in set(map(feature_column, widths))])

    def index(self) -> pa.Table:
        """All columns but the features."""
        return pa.concat_tables(read_group(self._file, self.path, g, self.index_schema.names) for g in self._groups())

    def tables(self) -> Iterator[pa.Table]:
        """The rows with their features, piece by piece."""
        for group in self._groups():
            yield read_group(self._file, self.path, group, self._file.schema_arrow.names)

    def _groups(self) -> range:
        return range(self._file.metadata.num_row_groups)


def parts_of(paths: Sequence[Place], widths: Mapping[str, int]) -> Iterator[Part]:
    """The parts, in order."""
    return ahead(partial(Part, widths=widths), paths)


def features_of(table: pa.Table, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """Values (n, D) and presence (n,) of a modality of some rows."""
    return to_arrays(table[feature_column(modality)])


def is_part(path: Place) -> bool:
    """Whether a file ends as the part of this name does: what was cut short, or is none, is made anew."""
    if not path.exists():
        return False
    try:
        open_part(path)
    except DataError:
        return False
    return True


def open_part(path: Place) -> pq.ParquetFile:
    """A part as an open file.

    Raises:
        DataError: it is missing, cut short, or another part was put in its place.
    """
    try:
        file = open_parquet(path)
    except DataError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise DataError(
                f"{path}: a part is expected here. Found nothing. Run the same commands again: it is made anew."
            ) from error
        if not isinstance(path, Path):  # perhaps the store does not answer
            raise
        raise DataError(f"{path}: a part (Parquet) is expected. Found none, or half of one. {AGAIN}") from error
    # Names follow from what parts are made of: one of another name has another content.
    if (file.metadata.metadata or {}).get(NAME) != path.stem.encode():
        raise DataError(f"{path}: a part has the name under which it was made. Found one of another name. {AGAIN}")
    return file
