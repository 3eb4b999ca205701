"""IEMOCAP as it is distributed: sessions with the transcriptions, evaluations and recordings of their dialogues."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.errors import DataError
from crossspace.features.sources.recording import Recording
from crossspace.transcripts import read_transcript
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.emo_evaluation import EMO_EVALUATION
from crossspace.transcripts.formats.iemocap import IEMOCAP
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript

if TYPE_CHECKING:
    from crossspace.stores.address import Address

_SESSION = re.compile(r"Session[ _]?(\d)", re.IGNORECASE)
_RELEASE = re.compile(r"IEMOCAP", re.IGNORECASE)
"""The folder in which the archive has its sessions."""
_TEST = "5"
"""The session that the literature tests on; its two speakers are heard in no other."""
_RECORDINGS = ("avi/DivX/{}.avi", "avi/{}.avi", "wav/{}.wav")
"""Where the recording of a dialogue lies below ``dialog``, the best first: a video has the sound as well."""


def is_iemocap(folder: Path) -> bool:
    """Whether a folder is the corpus, or one of its sessions."""
    return folder.is_dir() and bool(_sessions(folder))


def refuse_on_store(folder: Address) -> None:
    """Raise :class:`DataError` where the corpus stands on a store: its folders are looked through many times."""
    for path in folder.below():
        if re.search(r"/dialog/transcriptions/[Ss]es[^/]*\.txt$", str(path)):
            raise DataError(
                f"{folder} looks like IEMOCAP, which is read from a disk of this machine. Copy it there first."
            )


def read_iemocap(folder: Path) -> list[Recording]:
    """Every dialogue of the corpus, with the emotions that were agreed on and its recording, where that is there.

    Session 5 is the test split and the others are the train split, as in the literature. Utterances without an agreed
    emotion have the label ``xxx``, as the corpus says it.

    Args:
        folder: with ``Session1`` and so on, or one of these, or the folder in which the corpus lies.

    Raises:
        DataError: a transcription or an evaluation cannot be read or is none, or there is no transcription.
    """
    recordings = []
    for session in _sessions(folder):
        number = _SESSION.fullmatch(session.resolve().name)
        split = None if number is None else "test" if number.group(1) == _TEST else "train"
        dialog = session / "dialog"
        for path in sorted((dialog / "transcriptions").glob("[Ss]es*.txt")):
            media = next((p for form in _RECORDINGS if (p := dialog / form.format(path.stem)).is_file()), None)
            evaluation = dialog / "EmoEvaluation" / path.name
            recordings.append(Recording(path.stem, _with_labels(_of(path, IEMOCAP), evaluation), media, split=split))
    if not recordings:
        raise DataError(
            f"{folder} looks like IEMOCAP and should have files Ses*.txt in dialog/transcriptions. Found none."
        )
    return recordings


def _sessions(folder: Path) -> list[Path]:
    """The folders of sessions."""
    inside = _folders(folder)
    found = [path for path in inside if _SESSION.fullmatch(path.name)]
    if not found:
        releases = [path for path in inside if _RELEASE.match(path.name)]
        found = [path for one in releases for path in _folders(one) if _SESSION.fullmatch(path.name)]
    return [path for path in (folder, *found) if (path / "dialog" / "transcriptions").is_dir()]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _of(path: Path, kind: Format) -> Transcript:
    """What a file of the corpus holds, which is of its kind."""
    transcript = read_transcript(path, str(path))
    if transcript.format != kind.name:
        raise DataError(f"{path} should be {kind.name}. Found {transcript.format}. Put the file of the corpus there.")
    return transcript


def _with_labels(transcript: Transcript, evaluation: Path) -> Transcript:
    """The transcript with the emotion of each utterance, found by its id; what one of both lacks is noted."""
    if not evaluation.is_file():
        return replace(transcript, notes=(*transcript.notes, f"{evaluation} is not there; emotions are not known."))
    labels: Mapping[str | None, str | None] = {cue.id: cue.label for cue in _of(evaluation, EMO_EVALUATION).cues}
    cues = tuple(replace(cue, label=labels.get(cue.id)) for cue in transcript.cues)
    notes = list(transcript.notes)
    if lacking := [str(cue.id) for cue in cues if cue.id not in labels]:
        notes.append(f"{len(lacking)} utterances have no evaluation and no emotion ({listed(lacking)}).")
    if silent := sorted({str(one) for one in labels} - {str(cue.id) for cue in cues}):
        notes.append(f"{len(silent)} evaluated turns have no words and are left out ({listed(silent)}).")
    return replace(transcript, cues=cues, notes=tuple(notes))
