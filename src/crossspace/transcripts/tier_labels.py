"""Emotions in a tier of their own, given to the utterances of another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossspace.transcripts.tidy import listed

if TYPE_CHECKING:
    from crossspace.transcripts.tiers import Span, Tier


def apply_labels(speech: Sequence[Tier], emotions: Sequence[Tier]) -> list[str]:
    """Give each utterance the emotion that covers more than half of it, where it is clear whose emotions they are.

    Returns:
        notes on which tiers were used so, and which were not.
    """
    notes, owners = [], {tier.name: _owners(tier, speech) for tier in emotions}
    for tier in emotions:
        own = owners[tier.name]
        rivals = [name for name, others in owners.items() if {id(t) for t in others} & {id(t) for t in own}]
        if not own:
            notes.append(f"The emotions of tier {tier.name!r} were not used: it does not say whose they are.")
        elif len(rivals) > 1:
            notes.append(f"The emotions of tier {tier.name!r} were not used: {listed(rivals)} are of the same speech.")
        else:
            spans = [span for t in own for span in t.spans if span.text]
            count = sum(_label(t.spans, tier.spans) for t in own)
            notes.append(f"Labels come from tier {tier.name!r} ({count} of {len(spans)} utterances have one).")
    return notes


def _owners(tier: Tier, speech: Sequence[Tier]) -> list[Tier]:
    """The speech that a tier of emotions belongs to: it depends on it, or is of the same person, or of all there is."""
    by_parent = [t for t in speech if tier.parent and t.name == tier.parent]
    by_person = [t for t in speech if tier.participant and t.participant == tier.participant]
    by_name = [t for t in speech if not by_person and t.speaker.casefold() in _words(tier.name)]
    if by_parent or by_person or by_name:
        return by_parent or by_person or by_name
    return list(speech) if len(speech) == 1 else []


def _words(name: str) -> set[str]:
    """What a name may say beside the word for emotions: ``Ann_emotion`` is about Ann."""
    parts = "".join(c if c.isalnum() else " " for c in name.casefold()).split()
    return {
        *parts,
        *(" ".join(parts[:end]) for end in range(1, len(parts))),
        *(" ".join(parts[at:]) for at in range(len(parts))),
    }


def _label(spans: Sequence[Span], emotions: Sequence[Span]) -> int:
    timed = sorted((e.start, e.end, e.text) for e in emotions if e.text and e.start is not None and e.end is not None)
    starts = [start for start, _, _ in timed]
    count = 0
    for span in spans:
        if span.start is None or span.end is None or not span.text:
            continue
        # What covers more than half of it covers its middle.
        at = bisect_right(starts, (span.start + span.end) / 2) - 1
        if at >= 0:
            start, end, text = timed[at]
            if 2 * (min(end, span.end) - max(start, span.start)) > span.end - span.start:
                span.label = text
                count += 1
    return count
