"""A manifest: a CSV file that names recordings and their transcripts."""

from __future__ import annotations

from pathlib import Path

from crossspace.data.names import SPLITS, split_name
from crossspace.errors import DataError, suggestion
from crossspace.features.sources.recording import Recording
from crossspace.features.sources.tables import columns_in, read_table

_COLUMNS = ("media", "transcript", "conversation_id", "labels", "split")


def is_manifest(path: Path) -> bool:
    """Whether a file is a manifest: a CSV file with a column ``media``, or whose ``transcript`` names files."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    columns = [name.lower() for name in columns_in(path)]
    if "media" in columns or "transcript" not in columns or not set(columns) <= set(_COLUMNS):
        return "media" in columns
    # A transcript as a table may have a column of this name too; a manifest names files that are there.
    named = [row[columns.index("transcript")] for row in (list(r.values()) for r in read_table(path)[1])]
    return any(name.strip() and (path.parent / name.strip()).is_file() for name in named)


def read_manifest(path: Path) -> list[Recording]:
    """One recording per row; paths are relative to the folder of the manifest.

    Columns: ``media``, ``transcript`` (either may be empty, not both), and optionally ``conversation_id`` (the name of
    the file if there is none), ``labels`` (a text file with one label per line for every entry of the
    transcript in the order of its file, those without a text included), ``split``.

    Raises:
        DataError: columns are unknown, a row names nothing, an id occurs twice or a split is unknown; every fault is
            named.
    """
    columns, rows = read_table(path)
    columns = [name.lower() for name in columns]
    rows = [{name.lower(): cell for name, cell in row.items()} for row in rows]
    strange = [name for name in columns if name not in _COLUMNS]
    if strange or not {"media", "transcript"} & set(columns):
        raise DataError(
            f"{path} should have the columns {', '.join(_COLUMNS)} (the last three optional). Found {columns}."
        )
    faults, recordings, seen = [], [], set()
    # From 2, as an editor shows it: the head is row 1.
    for number, row in enumerate(rows, start=2):
        cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        files = {name: path.parent / cells[name] if cells[name] else None for name in ("media", "transcript", "labels")}
        split = split_name(cells["split"]) if cells["split"] else None
        first = files["media"] or files["transcript"]
        if first is None:
            faults.append(f"row {number} names neither a recording nor a transcript")
            continue
        name = cells["conversation_id"] or first.stem
        if name in seen:
            faults.append(f"row {number}: conversation id {name!r} occurs twice; give ids in a column conversation_id")
        if split is not None and split not in SPLITS:
            faults.append(f"row {number}: split {split!r} is unknown. {suggestion(split, SPLITS)}")
        seen.add(name)
        recordings.append(Recording(name, files["transcript"], files["media"], split=split, labels=files["labels"]))
    if faults:
        raise DataError(f"{path} cannot be used:\n  " + "\n  ".join(faults))
    return recordings
