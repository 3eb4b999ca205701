"""A manifest: a CSV file that names recordings and their transcripts."""

from __future__ import annotations

from collections.abc import Mapping

from crossspace.data.names import SPLITS, split_name
from crossspace.errors import DataError, UsageError, suggestion
from crossspace.features.sources.recording import Channels, Recording, channels_of, track_of
from crossspace.features.sources.tables import columns_in, read_table
from crossspace.stores import Place, beside, is_address

_COLUMNS = ("media", "transcript", "conversation_id", "labels", "split", "track", "channels")


def is_manifest(path: Place) -> bool:
    """Whether a file is a manifest: a CSV file with a column ``media``, or whose ``transcript`` names files."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    columns = [name.lower() for name in columns_in(path)]
    if "media" in columns or "transcript" not in columns or not set(columns) <= set(_COLUMNS):
        return "media" in columns
    # A transcript as a table may have a column of this name too; a manifest names files that are there.
    named = [row[columns.index("transcript")] for row in (list(r.values()) for r in read_table(path)[1])]
    return any(is_address(name) or beside(path.parent, name).is_file() for name in map(str.strip, named) if name)


def read_manifest(path: Place) -> list[Recording]:
    """One recording per row; paths are relative to the folder of the manifest, and addresses of stores may stand there.

    Columns: ``media``, ``transcript`` (either may be empty, not both), and optionally ``conversation_id`` (the name of
    the file if there is none), ``labels`` (a text file with one label per line for every entry of the
    transcript in the order of its file, those without a text included), ``split``, ``track`` (the audio track that is
    heard, from 1) and ``channels`` (``speakers``, or the name of the speaker of each channel: ``"A,B"``).

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
            f"{path} should have the columns {', '.join(_COLUMNS)} (those from conversation_id on "
            f"optional). Found {columns}."
        )
    faults: list[str] = []
    # From 2, as an editor shows it: the head is row 1.
    read = [_recording(path.parent, row, number, faults) for number, row in enumerate(rows, start=2)]
    recordings, seen = [recording for recording in read if recording is not None], set[str]()
    for number, recording in enumerate(read, start=2):
        if recording is not None and recording.id in seen:
            name = recording.id
            faults.append(f"row {number}: conversation id {name!r} occurs twice; give ids in a column conversation_id")
        seen |= {recording.id} if recording is not None else set()
    if faults:
        raise DataError(f"{path} cannot be used:\n  " + "\n  ".join(faults))
    return recordings


def _recording(folder: Place, row: Mapping[str, str], number: int, faults: list[str]) -> Recording | None:
    """The recording of a row; what is wrong with it goes to ``faults``."""
    cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    try:
        files = {
            name: beside(folder, cells[name]) if cells[name] else None for name in ("media", "transcript", "labels")
        }
    except UsageError as error:
        faults.append(f"row {number}: {error}")
        return None
    first = files["media"] or files["transcript"]
    if first is None:
        faults.append(f"row {number} names neither a recording nor a transcript")
        return None
    split = split_name(cells["split"]) if cells["split"] else None
    if split is not None and split not in SPLITS:
        faults.append(f"row {number}: split {split!r} is unknown. {suggestion(split, SPLITS)}")
    track, channels = _sound(cells, files["media"] is not None, number, faults)
    return Recording(
        cells["conversation_id"] or first.stem,
        files["transcript"],
        files["media"],
        split=split,
        labels=files["labels"],
        track=track,
        channels=channels,
    )


def _sound(cells: Mapping[str, str], media: bool, row: int, faults: list[str]) -> tuple[int | None, Channels | None]:
    """Track and channels of a row; what is wrong with them goes to ``faults``."""
    track: int | None = None
    channels: Channels | None = None
    try:
        track = track_of(cells["track"]) if cells["track"] else None
        channels = channels_of(cells["channels"]) if cells["channels"] else None
    except UsageError as error:
        faults.append(f"row {row}: {error}")
    if not media and (track or channels):
        faults.append(f"row {row}: track and channels are those of a recording, and it names none")
    return track, channels
