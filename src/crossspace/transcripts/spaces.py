"""Text whose words stand one space apart."""

from __future__ import annotations

_BLOCK = 65_536
"""Characters looked at together: the words of a whole file, as objects, would take many times its size."""


def joined(text: str) -> str:
    """``" ".join(text.split())`` in memory that is in proportion to the text, however short its words are."""
    parts: list[str] = []
    apart = False
    for at in range(0, len(text), _BLOCK):
        block = text[at : at + _BLOCK]
        words = " ".join(block.split())
        if words and parts and (apart or block[0].isspace()):
            parts.append(" ")
        if words:
            parts.append(words)
            apart = False
        apart = apart or block[-1].isspace()
    return "".join(parts)
