"""Turns of diarization beside a transcript: who said what somebody else wrote down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossspace.errors import DataError
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

MOST_SPEAKERS = 200
"""Of one recording; each is compared with each utterance."""
_SAME = 1e-3
"""Seconds by which two speakers may differ and still be equally likely."""


def joined(transcript: Transcript, turns: Transcript) -> Transcript:
    """The transcript with each utterance by the speaker whose turns overlap it most; none is split.

    Of two speakers with the same overlap the one who spoke first in the recording has the utterance. One that no turn
    overlaps, or that has no times, keeps the speaker that it had. Notes say how many of each there are.

    Raises:
        DataError: there are no turns with times, or more than :data:`MOST_SPEAKERS` speakers.
    """
    spans = _by_speaker(turns)
    if not spans:
        raise DataError("Turns should say who speaks from when to when. Found none with a speaker and times.")
    if len(spans) > MOST_SPEAKERS:
        raise DataError(f"Turns should have at most {MOST_SPEAKERS} speakers. Found {len(spans)}. Are the names right?")
    names = list(spans)
    timed = [row for row, cue in enumerate(transcript.cues) if cue.start is not None and cue.end is not None]
    times = np.array([(transcript.cues[row].start, transcript.cues[row].end) for row in timed], dtype=np.float64)
    best, ties = _most(list(spans.values()), times.reshape(-1, 2))
    who = {row: names[speaker] for row, speaker in zip(timed, best.tolist(), strict=True) if speaker >= 0}
    cues = tuple(replace(cue, speaker=who.get(row, cue.speaker)) for row, cue in enumerate(transcript.cues))
    tied = [str(timed[at] + 1) for at in np.flatnonzero(ties)]
    return replace(transcript, cues=cues, notes=(*transcript.notes, *_notes(transcript, who, tied)))


def _by_speaker(turns: Transcript) -> dict[str, list[tuple[float, float]]]:
    """The stretches in which each one speaks, apart and in order; speakers in the order of their first turn."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for cue in sorted(_timed(turns.cues), key=lambda cue: cue.start or 0.0):
        start, end = cue.start or 0.0, cue.end or 0.0
        own = spans.setdefault(cue.speaker, [])
        if own and start <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], end))
        else:
            own.append((start, end))
    return spans


def _timed(cues: Sequence[Cue]) -> list[Cue]:
    return [c for c in cues if c.start is not None and c.end is not None and c.speaker != UNKNOWN_SPEAKER]


def _most(spans: Sequence[Sequence[tuple[float, float]]], times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row of ``times`` the number of the speaker with the greatest overlap, -1 if none, and where two tie."""
    best, most, ties = np.full(len(times), -1), np.zeros(len(times)), np.zeros(len(times), dtype=bool)
    for speaker, own in enumerate(spans):
        edges = np.array(own).reshape(-1)
        # How long this one has spoken up to each edge: it grows inside of a turn and rests between two.
        lengths = np.diff(edges, prepend=edges[0])
        lengths[2::2] = 0.0
        spoken = np.cumsum(lengths)
        overlap = np.interp(times[:, 1], edges, spoken) - np.interp(times[:, 0], edges, spoken)
        ties = np.where(overlap > most + _SAME, False, ties | ((overlap > most - _SAME) & (overlap > _SAME)))
        best = np.where(overlap > most + _SAME, speaker, best)
        most = np.maximum(most, overlap)
    return best, ties


def _notes(transcript: Transcript, who: dict[int, str], tied: list[str]) -> list[str]:
    cues, notes = transcript.cues, [f"Speakers come from turns: {len(who)} of {len(transcript.cues)} utterances."]
    renamed = sum(cues[row].speaker not in (UNKNOWN_SPEAKER, speaker) for row, speaker in who.items())
    if renamed:
        notes.append(f"{renamed} utterances had another speaker in the transcript; the turns count.")
    without = [str(row + 1) for row in range(len(cues)) if row not in who]
    if without:
        notes.append(f"{len(without)} utterances are in no turn and keep their speaker (utterance {listed(without)}).")
    if tied:
        notes.append(
            f"{len(tied)} utterances are as long in the turns of two speakers; the one who spoke first in the "
            f"recording has them (utterance {listed(tied)})."
        )
    return notes
