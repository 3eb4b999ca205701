"""An analysis in the formats of times: captions, and annotations of ELAN, Praat and diarization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.transcripts.writers import annotation, captions
from crossspace.transcripts.writers.timed import left_out, timed, with_ends

KINDS = {".vtt": "WebVTT", ".srt": "SRT", ".eaf": "ELAN", ".TextGrid": "Praat", ".rttm": "RTTM"}
"""What messages call the formats, by their endings."""
_EMOTION, _CORRECTED = "predicted emotion", "corrected emotion"


def to_vtt(analysis: Analysis, labels: bool = False) -> str:
    """Captions whose cue class is the emotion.

    Args:
        analysis: of a conversation.
        labels: write emotion and confidence behind the words as well.

    Raises:
        DataError: no utterance has times.
    """
    return captions.vtt(
        _timed(analysis, ".vtt"), _labelled(analysis) if labels else captions.words, lambda u: u.emotion
    )


def to_srt(analysis: Analysis, labels: bool = False) -> str:
    """Numbered captions.

    Args:
        analysis: of a conversation.
        labels: write emotion and confidence behind the words.

    Raises:
        DataError: no utterance has times.
    """
    return captions.srt(_timed(analysis, ".srt"), _labelled(analysis) if labels else captions.words)


def to_eaf(analysis: Analysis) -> str:
    """ELAN: for every speaker a tier of words, and tiers of emotions and of their confidence that depend on it.

    Those of emotions are called predicted, so that nobody takes them for what a person has annotated. What a person
    corrected stands in a tier of its own.

    Raises:
        DataError: no utterance has times.
    """
    tiers: dict[str, Callable[[UtteranceAnalysis], str | None]] = {
        _EMOTION: _label(analysis),
        "predicted confidence": lambda u: f"{u.confidence:.3f}",
    }
    return annotation.eaf(_timed(analysis, ".eaf"), tiers | _corrections(analysis), analysis.media)


def to_textgrid(analysis: Analysis) -> str:
    """Praat: for every speaker a tier of words, one of emotions, and one of corrected ones where there are any.

    Raises:
        DataError: no utterance has times.
    """
    duration = float((analysis.media or {}).get("duration") or 0.0)
    return annotation.textgrid(
        _timed(analysis, ".TextGrid"), {_EMOTION: _label(analysis)} | _corrections(analysis), duration
    )


def to_rttm(analysis: Analysis) -> str:
    """Who speaks when.

    Raises:
        DataError: no utterance has times.
    """
    return annotation.rttm(_timed(analysis, ".rttm"), analysis.conversation_id)


def unsaid(analysis: Analysis, ending: str) -> list[str]:
    """What a format of :data:`KINDS` cannot say of the times of an analysis."""
    utterances, notes = with_ends(analysis.utterances)
    return notes + left_out(utterances, KINDS[ending])


def _timed(analysis: Analysis, ending: str) -> list[UtteranceAnalysis]:
    return timed(with_ends(analysis.utterances)[0], KINDS[ending], analysis.conversation_id)


def _label(analysis: Analysis) -> Callable[[UtteranceAnalysis], str | None]:
    """What the model says, whatever a person made of it."""
    return lambda u: analysis.said(replace(u, corrected=None))


def _corrections(analysis: Analysis) -> dict[str, Callable[[UtteranceAnalysis], str | None]]:
    """The tier of what people corrected, where there is anything."""
    return {_CORRECTED: lambda u: u.corrected} if any(u.corrected for u in analysis.utterances) else {}


def _labelled(analysis: Analysis) -> Callable[[UtteranceAnalysis], str]:
    def labelled(u: UtteranceAnalysis) -> str:
        # Of what a person says there is no probability.
        sure = f"{100 * u.confidence:.0f} %" if u.corrected is None else "corrected"
        return f"{captions.words(u)} [{analysis.said(u)} {sure}]"

    return labelled
