"""Where recordings come from: one file, a folder, a manifest, or the tables of published corpora."""

from __future__ import annotations

import codecs
from pathlib import Path

from crossspace.errors import DataError, UsageError
from crossspace.features.sources.dialogues import is_dialogue_table, read_dialogues
from crossspace.features.sources.folder import is_recording, read_folder
from crossspace.features.sources.iemocap import is_iemocap, read_iemocap, refuse_on_store
from crossspace.features.sources.manifest import is_manifest, read_manifest
from crossspace.features.sources.recording import Channels, Recording, channels_of, track_of
from crossspace.features.sources.tables import columns_in
from crossspace.reading import reading
from crossspace.stores import Place
from crossspace.transcripts.documents import DOCUMENTS
from crossspace.transcripts.formats import FORMATS, LINES

__all__ = [
    "TRANSCRIPTS",
    "Channels",
    "Recording",
    "channels_of",
    "find_recordings",
    "is_manifest",
    "is_transcript",
    "track_of",
]

TRANSCRIPTS = {*DOCUMENTS, *(ending for kind in (*FORMATS, LINES) for ending in kind.endings)}
"""Endings of names of transcripts."""
_HEAD = 4096


def is_transcript(path: Place) -> bool:
    """Whether a file is a transcript and not a recording: by its ending, or because it is text."""
    if path.suffix.lower() in TRANSCRIPTS:
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    # Every recording has a zero byte near its beginning, and text in UTF-8 has none.
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (bool(head) and b"\0" not in head)


def find_recordings(
    source: Place, transcript: Place | None = None, clips: Place | None = None, notes: list[str] | None = None
) -> list[Recording]:
    """What ``source`` names: a recording, a transcript, a manifest, a table of dialogues, or a folder.

    A folder is IEMOCAP as it is distributed, or holds tables of dialogues, or recordings with their transcripts beside
    them.

    Args:
        source: the file or folder.
        transcript: of the one recording.
        clips: the folder of the clips of tables of dialogues.
        notes: takes a sentence on files of a folder that were not used.

    Raises:
        DataError: there is nothing of the kind; what was found is named.
        UsageError: a transcript is given for more than one recording.
    """
    if not source.exists():
        raise DataError(
            f"{source} should be a recording, a transcript, a manifest, or a folder of recordings or of tables. Found "
            "nothing."
        )
    with reading(source, "a manifest or a table of dialogues", "Mend it, or save it anew."):
        if is_manifest(source):
            return read_manifest(source)
        if isinstance(source, Path) and is_iemocap(source):
            return read_iemocap(source)
        tables = _tables(source)
        if tables:
            return read_dialogues(tables, clips)
    if clips is not None:
        raise DataError(f"--clips goes with tables of dialogues such as those of MELD. {source} is none.")
    if source.is_dir():
        if transcript is not None:
            raise UsageError(f"--transcript goes with one recording. In {source} transcripts lie beside theirs.")
        return _in_folder(source, [] if notes is None else notes)
    if is_transcript(source):
        return [Recording(source.stem, source)]
    return [Recording(source.stem, transcript, source)]


def _tables(source: Place) -> list[Place]:
    """The tables of dialogues that a file is or a folder holds."""
    if source.is_file():
        return [source] if source.suffix.lower() == ".csv" and is_dialogue_table(columns_in(source)) else []
    # A table beside a recording of its name is the transcript of that one.
    recorded = {path.stem for path in source.iterdir() if is_recording(path)}
    # Sorted, since folders list their files in any order; a manifest may lie beside the tables it was made for.
    found: list[Place] = [*source.glob("*.csv")]
    tables = [path for path in sorted(found, key=str) if path.stem not in recorded and not is_manifest(path)]
    return [path for path in tables if is_dialogue_table(columns_in(path))]


def _in_folder(folder: Place, notes: list[str]) -> list[Recording]:
    # It may say more of the recordings than their names do: labels, splits, channels.
    found: list[Place] = [*folder.glob("*.csv")]
    manifest = next((path for path in sorted(found, key=str) if is_manifest(path)), None)
    if manifest is not None:
        raise DataError(f"{folder} holds a manifest, {manifest.name}. Give the manifest as SOURCE, or move it away.")
    if not isinstance(folder, Path):
        refuse_on_store(folder)
    recordings = read_folder(folder, TRANSCRIPTS, notes)
    if not recordings:
        raise DataError(
            f"{folder} is a folder and should hold recordings with their transcripts beside them, or CSV files with "
            "the columns Utterance and Dialogue_ID or Scene_ID. Found neither; name files that lie elsewhere in a "
            "manifest with the columns media and transcript."
        )
    return recordings
