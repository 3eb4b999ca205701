"""The utterances of an analysis that have a place in time."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

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
    ends: dict[str, list[tuple[int, int]]] = {}
    for u in sorted(utterances, key=milliseconds):
        speaker = " ".join(u.speaker.split()) or "unknown"
        own, free = by_speaker.setdefault(speaker, []), ends.setdefault(speaker, [])
        start, end = milliseconds(u)
        # The one that has been free for longest, without a look at all the others.
        number = heappop(free)[1] if free and free[0][0] <= start else len(own)
        if number == len(own):
            own.append([])
        own[number].append(u)
        heappush(free, (end, number))
    tiers: dict[str, list[UtteranceAnalysis]] = {}
    for speaker, own in by_speaker.items():
        count = 0
        for lane in own:
            count += 1
            # A speaker may be called as the second tier of another would be.
            while (name := speaker if count == 1 else f"{speaker} ({count})") in tiers or (
                count > 1 and name in by_speaker
            ):
                count += 1
            tiers[name] = lane
    return tiers


def _has_times(u: UtteranceAnalysis) -> bool:
    if u.start is None or u.end is None or not 0 <= u.start < u.end <= LATEST:
        return False
    # Times are written in thousandths, and what is shorter than that would end where it begins.
    start, end = milliseconds(u)
    return start < end
