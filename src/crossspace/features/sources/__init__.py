"""Where recordings come from: one file, a manifest of many, or the tables of published corpora."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

from crossspace.errors import DataError
from crossspace.features.sources.dialogues import is_dialogue_table, read_dialogues
from crossspace.features.sources.manifest import is_manifest, read_manifest
from crossspace.features.sources.recording import Recording
from crossspace.features.sources.tables import columns_in
from crossspace.reading import reading
from crossspace.transcripts.documents import DOCUMENTS
from crossspace.transcripts.formats import FORMATS, LINES

__all__ = ["TRANSCRIPTS", "Recording", "find_recordings", "is_manifest", "is_transcript"]

TRANSCRIPTS = {*DOCUMENTS, *(ending for kind in (*FORMATS, LINES) for ending in kind.endings)}
"""Endings of names of transcripts."""
_HEAD = 4096


def is_transcript(path: Path) -> bool:
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


def find_recordings(source: Path, transcript: Path | None = None, clips: Path | None = None) -> list[Recording]:
    """What ``source`` names: a recording, a transcript, a manifest, a table of dialogues or a folder of such tables.

    Args:
        source: the file or folder.
        transcript: of the one recording.
        clips: the folder of the clips of tables of dialogues.

    Raises:
        DataError: there is nothing of the kind; what was found is named.
    """
    if not source.exists():
        raise DataError(
            f"{source} should be a recording, a transcript, a manifest or a folder of CSV files. Found nothing."
        )
    with reading(source, "a manifest or a table of dialogues", "Mend it, or save it anew."):
        if is_manifest(source):
            return read_manifest(source)
        tables = _tables(source)
        if tables:
            return read_dialogues(tables, clips)
    if clips is not None:
        raise DataError(f"--clips goes with tables of dialogues such as those of MELD. {source} is none.")
    if is_transcript(source):
        return [Recording(source.stem, source)]
    return [Recording(source.stem, transcript, source)]


def _tables(source: Path) -> Sequence[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() == ".csv" and is_dialogue_table(columns_in(source)) else []
    # Sorted, since folders list their files in any order; a manifest may lie beside the tables it was made for.
    tables = [path for path in sorted(source.glob("*.csv")) if not is_manifest(path)]
    dialogue_tables = [path for path in tables if is_dialogue_table(columns_in(path))]
    if not dialogue_tables:
        raise DataError(
            f"{source} is a folder and should hold CSV files with the columns Utterance and Dialogue_ID or Scene_ID. "
            "Found none; for other recordings write a manifest with the columns media and transcript."
        )
    return dialogue_tables
