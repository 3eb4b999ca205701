"""How much one conversation may hold."""

from __future__ import annotations

from collections.abc import Sequence

from crossspace.serve.refusal import Refusal
from crossspace.serve.settings import Settings


def check_amount(texts: Sequence[str | None], settings: Settings) -> None:
    """Raise :class:`Refusal` 413 when a conversation has too many utterances or characters."""
    if len(texts) > settings.max_utterances:
        raise Refusal(
            413,
            f"A conversation may have {settings.max_utterances:,} utterances here. Found {len(texts):,}; send parts.",
        )
    characters = sum(len(text) for text in texts if text)
    if characters > settings.max_characters:
        raise Refusal(
            413,
            f"A conversation may have {settings.max_characters:,} characters here. Found {characters:,}; send parts.",
        )
