"""An analysis as captions: WebVTT, whose style sheet may colour emotions, and SRT."""

from __future__ import annotations

import re

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.exports.timed import milliseconds, timed
from crossspace.transcripts.clock import written

_NOT_IN_A_CLASS = re.compile(r"[^\w-]+")


def to_vtt(analysis: Analysis, labels: bool = False) -> str:
    """Captions whose cue class is the emotion, so that a style sheet colours them: ``::cue(.joy)``.

    Args:
        analysis: of a conversation.
        labels: write emotion and confidence behind the words as well.

    Raises:
        DataError: no utterance has times.
    """
    cues = []
    for u in timed(analysis, "WebVTT"):
        # A full stop would begin another class, a space an annotation.
        kind = _NOT_IN_A_CLASS.sub("-", u.emotion)
        said = f"<v {_escaped(_speaker(u))}><c.{kind}>{_escaped(_said(u, labels))}</c></v>"
        cues.append(f"{_times(u, '.')}\n{said}\n")
    return "WEBVTT\n\n" + "\n".join(cues)


def to_srt(analysis: Analysis, labels: bool = False) -> str:
    """Numbered captions, the speaker before the words; SRT has no place for an emotion but among them.

    Args:
        analysis: of a conversation.
        labels: write emotion and confidence behind the words.

    Raises:
        DataError: no utterance has times.
    """
    return "\n".join(
        f"{number}\n{_times(u, ',')}\n{_speaker(u)}: {_said(u, labels)}\n"
        for number, u in enumerate(timed(analysis, "SRT"), start=1)
    )


def _said(u: UtteranceAnalysis, labels: bool) -> str:
    # An empty line would end the cue.
    text = " ".join((u.text or "(no transcript)").split())
    # Of what a person says there is no probability.
    sure = f"{100 * u.confidence:.0f} %" if u.corrected is None else "corrected"
    return f"{text} [{u.emotion} {sure}]" if labels else text


def _speaker(u: UtteranceAnalysis) -> str:
    return " ".join(u.speaker.split()) or "unknown"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _times(u: UtteranceAnalysis, point: str) -> str:
    # Two digits of hours, which every player reads.
    return " --> ".join(written(t / 1000).rjust(12, "0").replace(".", point) for t in milliseconds(u))
