"""Tables of many dialogues, one utterance per row: the CSV files of MELD and EmoryNLP as they are published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from crossspace.errors import DataError
from crossspace.features.sources.recording import Recording
from crossspace.features.sources.tables import mended, read_table, seconds, speaker_name
from crossspace.features.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

_DIALOGUE = ("Dialogue_ID", "Scene_ID")
_SPLITS = (("train", "train"), ("dev", "validation"), ("val", "validation"), ("test", "test"))


def is_dialogue_table(columns: Sequence[str]) -> bool:
    """Whether a table with these columns holds the utterances of many dialogues."""
    return "Utterance" in columns and any(name in columns for name in _DIALOGUE)


def read_dialogues(paths: Sequence[Path], clips: Path | None = None) -> list[Recording]:
    """Every dialogue of some tables.

    The split is read off the name of a file (train, dev or val, test); conversations are called ``<split>_<dialogue>``.
    Times are those of the episode and are left out when there are clips, whose utterance is the whole clip.

    Args:
        paths: CSV files.
        clips: the folder that holds ``dia<d>_utt<u>.mp4`` anywhere below folders named after the splits, or directly.

    Raises:
        DataError: a table lacks a column, or no clip is found.
    """
    found: list[Recording] = []
    for path in paths:
        found += _one_table(path, _Clips(clips) if clips is not None else None)
    return found


def _one_table(path: Path, clips: _Clips | None) -> list[Recording]:
    columns, rows = read_table(path)
    if not is_dialogue_table(columns):
        raise DataError(
            f"{path} should have the columns Utterance, Speaker, Emotion and Dialogue_ID (MELD) or Scene_ID "
            f"(EmoryNLP). Found {columns}."
        )
    key = next(name for name in _DIALOGUE if name in columns)
    split = next((split for mark, split in _SPLITS if mark in path.stem.lower()), None)
    dialogues: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    episodes = ("Season", "Episode") if key == "Scene_ID" and {"Season", "Episode"} <= set(columns) else ()
    for row in rows:
        dialogues[tuple(row[name].strip() for name in (*episodes, key))].append(row)
    recordings = []
    for names, members in dialogues.items():
        if "Utterance_ID" in columns and all(row["Utterance_ID"].strip().isdigit() for row in members):
            members.sort(key=lambda row: int(row["Utterance_ID"]))
        conversation = "_".join((split or path.stem, *names))
        files = None
        if clips is not None:
            files = tuple(clips.find(split, names[-1], row.get("Utterance_ID", "")) for row in members)
        cues = tuple(_cue(row, f"{conversation}_{n}", files is None) for n, row in enumerate(members))
        recordings.append(Recording(conversation, Transcript(cues), clips=files, split=split))
    if clips is not None and not any(path is not None for r in recordings for path in r.clips or ()):
        raise DataError(
            f"{clips.folder} should hold clips named dia<dialogue>_utt<utterance>.mp4 for {path.name}. Found none. "
            "Leave --clips out to extract the text alone."
        )
    return recordings


def _cue(row: dict[str, str], name: str, timed: bool) -> Cue:
    start, end = (
        seconds(row.get(a) or row.get(b) or "") for a, b in (("StartTime", "Start_Time"), ("EndTime", "End_Time"))
    )
    known = timed and start is not None and end is not None and end >= start
    return Cue(
        text=mended(row["Utterance"]) or None,
        speaker=speaker_name(row.get("Speaker", "")) or UNKNOWN_SPEAKER,
        start=start if known else None,
        end=end if known else None,
        id=name,
        label=mended(row.get("Emotion", "")).lower() or None,
    )


class _Clips:
    """The clips of a folder by split, dialogue and utterance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise DataError(f"--clips should be a folder. Found {folder}, which is none.")
        self._paths: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(folder.rglob("dia*_utt*.*")):
            if not path.name.startswith("."):
                self._paths[path.stem].append(path)

    def find(self, split: str | None, dialogue: str, utterance: str) -> Path | None:
        """The clip of an utterance; where several have its name, the one in a folder named after the split."""
        paths = self._paths.get(f"dia{dialogue}_utt{utterance.strip()}", [])
        marks = [mark for mark, name in _SPLITS if name == split]
        named = [path for path in paths if any(mark in part.lower() for part in path.parts[:-1] for mark in marks)]
        certain = named or (paths if len(paths) == 1 else [])
        return certain[0] if certain else None
