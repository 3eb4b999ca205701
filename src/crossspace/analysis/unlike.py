"""Whether a conversation is unlike those that a model learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.data.conversation import Conversation

_FAR = 2
"""Beyond so many times what training had, a conversation is unlike it."""


def unlike_note(conversation: Conversation, sizes: Mapping[str, Any]) -> str | None:
    """A sentence where a conversation is far larger than all of training, or has one speaker where there were several.

    Args:
        conversation: to be analyzed.
        sizes: as :func:`~crossspace.data.sizes.training_sizes` gave them.
    """
    found = []
    longest, most, words = (int(sizes.get(key, 0)) for key in ("utterances", "speakers", "words"))
    if longest and len(conversation) > _FAR * longest:
        found.append(f"{len(conversation):,} utterances (at most {longest})")
    speakers = len({u.speaker for u in conversation.utterances})
    if most and speakers > _FAR * most:
        found.append(f"{speakers} speakers (at most {most})")
    if most > 1 and speakers == 1 and len(conversation) > 2:
        found.append("one speaker only (conversations of several)")
    long = [u for u in conversation.utterances if u.text and words and len(u.text.split()) > _FAR * words]
    if len(long) * 10 > len(conversation):
        found.append(f"{len(long)} utterances of more than {_FAR * words} words (nearly all at most {words})")
    if not found:
        return None
    return (
        f"The conversation is unlike those that the model learned from: {'; '.join(found)}; in brackets what these "
        "had. How well it does here is not known."
    )
