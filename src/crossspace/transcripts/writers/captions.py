"""Captions: WebVTT, whose style sheet may colour emotions, and SRT."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from crossspace.transcripts.clock import written
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.writers.timed import S, Spoken, milliseconds

_NOT_IN_A_CLASS = re.compile(r"[^\w-]+")


def words(u: Spoken) -> str:
    """What is said, on one line: an empty one would end the cue."""
    return " ".join((u.text or "(no transcript)").split())


def label(u: Spoken) -> str | None:
    """The emotion of an utterance, where it has one."""
    return u.label


def vtt(utterances: Sequence[S], said: Callable[[S], str] = words, emotion: Callable[[S], str | None] = label) -> str:
    """Captions with their speakers; a style sheet colours the class of a cue, its emotion: ``::cue(.joy)``.

    Args:
        utterances: with times.
        said: the words of a cue.
        emotion: that becomes its class.
    """
    cues = []
    for u in utterances:
        text = _escaped(said(u))
        if (kind := emotion(u)) is not None:
            # A full stop would begin another class, a space an annotation.
            text = f"<c.{_NOT_IN_A_CLASS.sub('-', kind)}>{text}</c>"
        speaker = _speaker(u)
        cues.append(f"{_times(u, '.')}\n" + (f"<v {_escaped(speaker)}>{text}</v>\n" if speaker else f"{text}\n"))
    return "WEBVTT\n\n" + "\n".join(cues)


def srt(utterances: Sequence[S], said: Callable[[S], str] = words) -> str:
    """Numbered captions, the speaker before the words; SRT has no place for an emotion but among them.

    Args:
        utterances: with times.
        said: the words of a cue.
    """
    cues = []
    for number, u in enumerate(utterances, start=1):
        before = f"{speaker}: " if (speaker := _speaker(u)) else ""
        cues.append(f"{number}\n{_times(u, ',')}\n{before}{said(u)}\n")
    return "\n".join(cues)


def _speaker(u: Spoken) -> str:
    # Where nobody knows who speaks, no name stands before the words.
    return "" if u.speaker == UNKNOWN_SPEAKER else " ".join(u.speaker.split()) or "unknown"


def _escaped(text: str) -> str:
    # What SubStation would take for a tag as well: many players and readers know both.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("{\\", "&#123;\\")


def _times(u: Spoken, point: str) -> str:
    # Two digits of hours, which every player reads.
    return " --> ".join(written(t / 1000).rjust(12, "0").replace(".", point) for t in milliseconds(u))
