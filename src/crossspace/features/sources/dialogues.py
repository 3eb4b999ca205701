"""Tables of many dialogues, one utterance per row: the CSV files of MELD and EmoryNLP as they are published."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from crossspace.data.names import SPLITS, split_name
from crossspace.errors import DataError
from crossspace.features.sources.folder import below
from crossspace.features.sources.recording import Recording
from crossspace.features.sources.tables import read_table
from crossspace.stores import Place
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.rows import cue_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Cue, Transcript

Row = dict[str, str]


def is_dialogue_table(columns: Sequence[str]) -> bool:
    """Whether a table with these columns holds the utterances of many dialogues."""
    return {"text", "conversation"} <= set(columns_of(columns))


def read_dialogues(paths: Sequence[Place], clips: Place | None = None) -> list[Recording]:
    """Every dialogue of some tables.

    The split is read off the name of a file (train, dev, test). Conversations are called as the source calls them,
    scenes with their season and episode: ``<dialogue>``, ``<season>_<episode>_<scene>``. Only where two tables call
    conversations by the same name, all are preceded by the split, or the name of a file without one. Texts stay as
    they are, spaces included. A column ``Utterance_ID`` of numbers gives the order, as it does in the published tables;
    otherwise it is that of the rows. Times are those of the episode and are left out when there are clips, whose
    utterance is the whole clip.

    Args:
        paths: CSV files.
        clips: the folder that holds ``dia<d>_utt<u>.mp4`` anywhere below folders named after the splits, or directly.

    Raises:
        DataError: a table lacks a column, two tables hold conversations of the same name and split, an id occurs twice
            in a conversation, or no clip is found.
    """
    known = _Clips(clips) if clips is not None else None
    read = {path: _one_table(path, known) for path in paths}
    times = Counter(recording.id for members in read.values() for recording in members)
    # All or none: with some of them preceded, nobody could tell an id from its table.
    if max(times.values()) > 1:
        read = {p: [replace(r, id=f"{r.split or p.stem}_{r.id}") for r in members] for p, members in read.items()}
    tables: dict[str, list[Place]] = defaultdict(list)
    for path, members in read.items():
        for recording in members:
            tables[recording.id].append(path)
    faults = [f"conversation {name!r} in {' and in '.join(map(str, p))}" for name, p in tables.items() if len(p) > 1]
    if faults:
        raise DataError(
            f"Conversations should have names of their own. Found {listed(faults)}. They are called by the split that "
            "the name of the file says: rename a file, number the dialogues through, or extract the files one by one."
        )
    return [recording for members in read.values() for recording in members]


def _one_table(path: Place, clips: _Clips | None) -> list[Recording]:
    names, rows = read_table(path)
    columns = columns_of(names)
    if not is_dialogue_table(names):
        raise DataError(
            f"{path} should have the columns Utterance, Speaker, Emotion and Dialogue_ID (MELD) or Scene_ID "
            f"(EmoryNLP). Found {names}."
        )
    split = _split(path.stem)
    recordings, faults = [], []
    # By identity: two rows may be equal, and `_dialogues` brings them into another order.
    places = {id(row): place for place, row in enumerate(rows)}
    for key, members in _dialogues(rows, columns).items():
        ids = [row.get(columns.get("id", ""), "").strip() for row in members]
        twice = [name for name, count in Counter(filter(None, ids)).items() if count > 1]
        faults += [f"{columns['id']} {name!r} of {' '.join(key)!r}" for name in twice]
        files = tuple(clips.find(split, key[-1], name) for name in ids) if clips else None
        # Unreadable times are left out without a note: text needs none, and clips have their own.
        cues = tuple(_cue(cue_of(row, columns)[0], places[id(row)], timed=files is None) for row in members)
        recordings.append(Recording("_".join(key), Transcript(cues), clips=files, split=split, table=path))
    if faults:
        raise DataError(
            f"{path}: each utterance of a conversation should have an id of its own. Found more than once: "
            f"{listed(faults)}. Mend the table."
        )
    if clips is not None and not any(file is not None for recording in recordings for file in recording.clips or ()):
        raise DataError(
            f"{clips.folder} should hold clips named dia<dialogue>_utt<utterance>.mp4 for {path.name}. Found none. "
            "Leave --clips out to extract the text alone."
        )
    return recordings


def _dialogues(rows: Sequence[Row], columns: Mapping[str, str]) -> dict[tuple[str, ...], list[Row]]:
    """The rows of every conversation in the order in which they were spoken."""
    parts = [columns["conversation"]]
    if parts[0].lower().startswith("scene"):  # scenes are counted anew in every episode
        parts = [columns[p] for p in ("season", "episode") if p in columns] + parts
    by_dialogue: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by_dialogue[tuple(row[part].strip() for part in parts)].append(row)
    count = columns.get("id", "")
    if count.lower() == "id":  # names, and be it numbers, that say nothing of an order
        return by_dialogue
    for members in by_dialogue.values():
        # Only where all are numbers: some that are none would have no place in the order.
        if all(row.get(count, "").strip().isdecimal() for row in members):
            members.sort(key=lambda row: int(row[count]))
    return by_dialogue


def _cue(cue: Cue, row: int, timed: bool) -> Cue:
    known = timed and cue.start is not None and cue.end is not None and cue.end >= cue.start
    return replace(
        cue,
        text=cue.text or None,
        start=cue.start if known else None,
        end=cue.end if known else None,
        row=row,
    )


def _split(name: str) -> str | None:
    """The split that a name of a file or folder names."""
    return next((split for part in re.split(r"[\W_]+", name) if (split := split_name(part)) in SPLITS), None)


class _Clips:
    """The clips of a folder by split, dialogue and utterance."""

    def __init__(self, folder: Place) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise DataError(f"--clips should be a folder. Found {folder}, which is none.")
        self._paths: dict[str, list[Place]] = defaultdict(list)
        found: list[Place] = [*folder.rglob("dia*_utt*.*")]
        for path in sorted(found, key=str):
            # macOS leaves files such as ._dia0_utt0.mp4 in archives.
            if not path.name.startswith("."):
                self._paths[path.stem].append(path)

    def find(self, split: str | None, dialogue: str, utterance: str) -> Place | None:
        """The clip of an utterance; where several have its name, the one in a folder named after the split."""
        paths = self._paths.get(f"dia{dialogue}_utt{utterance}", [])
        named = [path for path in paths if any(_split(part) == split for part in below(path, self.folder).parts[:-1])]
        # Several of one name and none in a folder of the split: a guess would give somebody else's face.
        certain = named or (paths if len(paths) == 1 else [])
        return certain[0] if certain else None
