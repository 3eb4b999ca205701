"""The utterances of an analysis that have a place in time."""

from __future__ import annotations

from collections.abc import Sequence

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.data.conversation_json import LATEST
from crossspace.errors import DataError


def timed(analysis: Analysis, kind: str) -> list[UtteranceAnalysis]:
    """The utterances with times, in the order of the conversation.

    Those without times, with a start before second 0, an end that is not after the start, or times later than any that
    is read here are left out.

    Args:
        analysis: of a conversation.
        kind: the format that is to be written, for the message.

    Raises:
        DataError: no utterance has such times.
    """
    found = [u for u in analysis.utterances if _has_times(u)]
    if not found:
        raise DataError(
            f"{kind} needs times that begin at 0 or later and end after they begin, and no utterance of "
            f"{analysis.conversation_id!r} has any. Write JSON, CSV or HTML instead."
        )
    return found


def milliseconds(u: UtteranceAnalysis) -> tuple[int, int]:
    """Start and end of an utterance that has both."""
    assert u.start is not None and u.end is not None
    return round(u.start * 1000), round(u.end * 1000)


def lanes(utterances: Sequence[UtteranceAnalysis]) -> dict[str, list[UtteranceAnalysis]]:
    """The utterances by the name of a tier, in which none overlaps another: one per speaker.

    A speaker whose utterances overlap has further ones, ``Ann (2)``. Speakers come in the order of their first words.
    """
    by_speaker: dict[str, list[list[UtteranceAnalysis]]] = {}
    for u in sorted(utterances, key=milliseconds):
        own = by_speaker.setdefault(u.speaker, [])
        lane = next((lane for lane in own if milliseconds(lane[-1])[1] <= milliseconds(u)[0]), None)
        if lane is None:
            own.append(lane := [])
        lane.append(u)
    return {
        speaker if number == 1 else f"{speaker} ({number})": lane
        for speaker, own in by_speaker.items()
        for number, lane in enumerate(own, start=1)
    }


def _has_times(u: UtteranceAnalysis) -> bool:
    if u.start is None or u.end is None or not 0 <= u.start < u.end <= LATEST:
        return False
    # Times are written in thousandths, and what is shorter than that would end where it begins.
    start, end = milliseconds(u)
    return start < end
