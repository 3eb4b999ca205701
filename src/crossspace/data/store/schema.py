"""The columns of a corpus file: one row per utterance, sorted by conversation and position."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

METADATA_KEY = b"crossspace"
"""Key of the file metadata under which the description of the corpus stands as JSON."""

FEATURE_PREFIX = "features."
MISSING_PREFIX = "missing."
SENTIMENT = "sentiment"
"""The column of the second label; a corpus has it only where sentiments were labelled apart from emotions."""
ENCODER_PREFIX, SEEN_PREFIX = "encoder.", "seen."
"""Of the columns that a modality has where its features come from encoders that were fine-tuned: which of them made a
row, and whether it was trained on the labels of its conversation."""
RECOGNISED_PREFIX = "recognised."
RECOGNISED = ("text", "speaker")
"""What a recogniser can find out in the place of people; a corpus has a column of how sure it was where it did."""

INDEX_SCHEMA = pa.schema(
    [
        pa.field("conversation_id", pa.string(), nullable=False),
        pa.field("utterance_id", pa.string(), nullable=False),
        pa.field("speaker", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("text", pa.string()),
        pa.field("start", pa.float64()),
        pa.field("end", pa.float64()),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
    ]
)
"""Every column but the features. ``start`` and ``end`` are seconds; the last five may be null."""

_MODALITY = re.compile(r"[\w-]+")


def feature_column(modality: str) -> str:
    """Name of the column that holds the features of ``modality``."""
    return FEATURE_PREFIX + modality


def feature_field(modality: str, width: int) -> pa.Field:
    """The column of one modality: a fixed-size list of ``width`` float32, null where the modality is missing."""
    return pa.field(feature_column(modality), pa.list_(pa.float32(), width))


def missing_field(modality: str) -> pa.Field:
    """The column that says why a modality is missing; a corpus has it only where such a reason is known."""
    return pa.field(MISSING_PREFIX + modality, pa.string())


def encoder_field(modality: str) -> pa.Field:
    """The column of the fine-tuned encoders that made the features of a modality, null where none did."""
    return pa.field(ENCODER_PREFIX + modality, pa.string())


def seen_field(modality: str) -> pa.Field:
    """The column that says whether such an encoder was trained on the labels of the conversation."""
    return pa.field(SEEN_PREFIX + modality, pa.bool_())


def recognised_field(what: str) -> pa.Field:
    """The column of how sure a recogniser was, from 0 to 1, null where people wrote it."""
    return pa.field(RECOGNISED_PREFIX + what, pa.float64())


def optional_fields(schema: pa.Schema) -> list[pa.Field]:
    """The columns of ``schema`` that not every corpus has: sentiments, what was recognised, facts on features."""
    sentiment = [pa.field(SENTIMENT, pa.string())] if SENTIMENT in schema.names else []
    recognised = [recognised_field(what) for what in RECOGNISED if RECOGNISED_PREFIX + what in schema.names]
    return sentiment + recognised + modality_fields(schema.names)


def index_schema(names: Iterable[str], modalities: Iterable[str]) -> pa.Schema:
    """The columns of a corpus but its features, with those optional ones that are named, in the order of all files."""
    known = set(names)
    possible = [pa.field(SENTIMENT, pa.string()), *(recognised_field(what) for what in RECOGNISED)]
    possible += [column(modality) for modality in modalities for column in MODALITY_COLUMNS.values()]
    return pa.schema([*INDEX_SCHEMA, *(field for field in possible if field.name in known)])


def modality_fields(names: Iterable[str]) -> list[pa.Field]:
    """Of these columns, those that say more of features: why they lack, which encoder made them; in their order."""
    return [
        column(name.removeprefix(prefix))
        for name in names
        for prefix, column in MODALITY_COLUMNS.items()
        if name.startswith(prefix)
    ]


MODALITY_COLUMNS = {MISSING_PREFIX: missing_field, ENCODER_PREFIX: encoder_field, SEEN_PREFIX: seen_field}
"""``{beginning of the name: the column of a modality}``."""


def is_modality_name(name: str) -> bool:
    """Whether ``name`` can stand in a column name: letters, digits, ``_`` and ``-`` (a dot would nest columns)."""
    return _MODALITY.fullmatch(name) is not None


def same_type(actual: pa.DataType, expected: pa.DataType) -> bool:
    """Whether a column can be read as ``expected``; strings of either offset width are the same thing."""
    if pa.types.is_string(expected):
        return pa.types.is_string(actual) or pa.types.is_large_string(actual)
    if pa.types.is_fixed_size_list(expected):
        return (
            pa.types.is_fixed_size_list(actual)
            and actual.list_size == expected.list_size
            and actual.value_type == expected.value_type
        )
    return bool(actual == expected)
