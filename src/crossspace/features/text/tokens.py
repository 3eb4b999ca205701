"""Texts as tokens, and tokens as the arrays that a network reads; nothing of it needs PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

_TOKEN = 32
"""Characters of a token that a text is cut by to begin with: words of a hundred are rare."""
ROWS, STEP = 4, 8
"""Texts of one forward pass, and what their length in tokens is rounded up to."""


@dataclass(frozen=True)
class Tokens:
    """A passage as a network reads it.

    Attributes:
        ids: of all tokens.
        begin, end: of those of the utterance itself.
        is_cut: whether the utterance goes on beyond what is read of it.
    """

    ids: tuple[int, ...]
    begin: int
    end: int
    is_cut: bool = False

    def __len__(self) -> int:
        return len(self.ids)


class TextArrays(NamedTuple):
    """B texts as a network reads them, padded to T tokens.

    Attributes:
        rows: their places among the texts; what stands behind these B' <= B rows is the last text again.
        ids: (B, T) int64.
        mask: (B, T) int64, 1 where a token stands.
        weights: (B, T) float32, 1 at the tokens whose states are averaged.
    """

    rows: list[int]
    ids: np.ndarray
    mask: np.ndarray
    weights: np.ndarray


def first_tokens(tokenizer: Any, texts: Sequence[str], most: int, **options: Any) -> list[list[int]]:
    """The first tokens of each text, at most ``most``; special ones included unless ``options`` say otherwise."""
    by_text: list[list[int]] = [[]] * len(texts)
    # Of a long text no more is taken apart than holds them: the tokens of a whole file would fill the memory.
    left, length = list(range(len(texts))), most * _TOKEN
    while left:
        # A lone surrogate, as broken files have them, is no text that the tokenizer takes.
        parts = [_until_space(texts[i], length).encode("utf-8", "replace").decode("utf-8") for i in left]
        found = tokenizer(parts, truncation=True, max_length=most, **options)["input_ids"]
        for i, tokens in zip(left, found, strict=True):
            by_text[i] = tokens
        # Too few tokens although there is more text: look again at four times as much.
        short = [i for i, part in zip(left, parts, strict=True) if len(by_text[i]) < most and len(part) < len(texts[i])]
        left, length = short, 4 * length
    return by_text


def _until_space(text: str, length: int) -> str:
    """A text up to the last space within ``length`` characters, so that no word is cut; all of it where it is short."""
    if len(text) <= length:
        return text
    place = max(text.rfind(" ", 0, length), text.rfind("\n", 0, length))
    return text[: place if place > 0 else length]


def batches(lengths: Sequence[int], limit: int, rows: int = ROWS, step: int = STEP) -> Iterator[tuple[list[int], int]]:
    """At most so many rows of one rounded length, and that length; rows without a token are left out."""
    rounded: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        if length:
            rounded.setdefault(min(-(-length // step) * step, limit), []).append(row)
    for length, found in sorted(rounded.items()):
        for at in range(0, len(found), rows):
            yield found[at : at + rows], length


def text_arrays(
    tokens: Sequence[Tokens],
    limit: int,
    pad: int,
    pooling: Literal["own", "cls"] = "own",
    *,
    rows: int = ROWS,
    step: int = STEP,
) -> Iterator[TextArrays]:
    """Texts in passes of so many of one rounded length; those without a token of their own are left out.

    Args:
        tokens: of the texts.
        limit: tokens of a text at most.
        pad: the id of what fills a row up; any will do, since it is masked.
        pooling: ``own`` weighs the tokens of the text itself, ``cls`` the first one.
        rows: texts of a pass.
        step: what their length is rounded up to.
    """
    for places, length in batches([len(t.ids) if t.begin < t.end else 0 for t in tokens], limit, rows, step):
        ids = np.full((rows, length), pad, dtype=np.int64)
        mask, weights = np.zeros((rows, length), dtype=np.int64), np.zeros((rows, length), dtype=np.float32)
        # The last text again until the pass is full: another number of rows would round otherwise.
        for row, place in enumerate(places + places[-1:] * (rows - len(places))):
            one = tokens[place]
            ids[row, : len(one.ids)], mask[row, : len(one.ids)] = one.ids, 1
            weights[row, slice(one.begin, one.end) if pooling == "own" else 0] = 1
        yield TextArrays(places, ids, mask, weights)
