"""The utterances that have a place in time, as formats of times need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import Protocol, TypeVar

from crossspace.data.conversation_json import LATEST
from crossspace.errors import DataError


class Spoken(Protocol):
    """What is written of an utterance: of a transcript, or of an analysis."""

    @property
    def speaker(self) -> str:
        """Who says it."""

    @property
    def text(self) -> str | None:
        """What is said, where that is known."""

    @property
    def start(self) -> float | None:
        """Seconds."""

    @property
    def end(self) -> float | None:
        """Seconds."""

    @property
    def label(self) -> str | None:
        """The emotion, where there is one."""


S = TypeVar("S", bound=Spoken)

_SECONDS_A_WORD = 0.4


def timed(utterances: Iterable[S], kind: str, name: str) -> list[S]:
    """The utterances with times, in their order.

    Those without times, with a start before second 0, an end that is not after the start, or times later than any that
    is read here are left out.

    Args:
        utterances: of a conversation.
        kind: the format that is to be written, for the message.
        name: of the conversation, for the message.

    Raises:
        DataError: no utterance has such times.
    """
    kept = [u for u in utterances if _has_times(u)]
    if not kept:
        raise DataError(
            f"{kind} needs times that begin at 0 or later and end a thousandth of a second later at least, and no "
            f"utterance of {name!r} has any. Write JSON or CSV instead."
        )
    return kept


def with_ends(utterances: Iterable[S]) -> tuple[list[S], list[str]]:
    """The utterances, of which one whose end is not known ends after the time that its words take; a note on those."""
    kept, count = list[S](), 0
    for u in utterances:
        if u.start is not None and u.end is None:
            end = u.start + max(1.0, _SECONDS_A_WORD * len((u.text or "").split()))
            u = replace(u, end=end)  # type: ignore[type-var]
            count += 1
        kept.append(u)
    return kept, [f"{count} utterances had no end; they end {_SECONDS_A_WORD} s a word after they begin."] * bool(count)


def left_out(utterances: Sequence[Spoken], kind: str) -> list[str]:
    """A note on the utterances that :func:`timed` leaves out, where there are any."""
    left = sum(not _has_times(u) for u in utterances)
    return [f"{left} of {len(utterances)} utterances have no times that {kind} can hold; left out."] * bool(left)


def milliseconds(u: Spoken) -> tuple[int, int]:
    """Start and end of an utterance that has both."""
    assert u.start is not None and u.end is not None
    return round(u.start * 1000), round(u.end * 1000)


def lanes(utterances: Sequence[S]) -> dict[str, list[S]]:
    """The utterances by the name of a tier, in which none overlaps another: one per speaker.

    A speaker whose utterances overlap has further ones, ``Ann (2)``. Speakers come in the order of their first words.
    """
    by_speaker: dict[str, list[list[S]]] = {}
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
    tiers: dict[str, list[S]] = {}
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


def _has_times(u: Spoken) -> bool:
    if u.start is None or u.end is None or not 0 <= u.start < u.end <= LATEST:
        return False
    # Times are written in thousandths, and what is shorter than that would end where it begins.
    start, end = milliseconds(u)
    return start < end
