"""Texts through a pretrained network, to one vector each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch

from crossspace.errors import DataError
from crossspace.features.checkpoint import Checkpoint
from crossspace.features.text.bert import BertEncoder

Pooling = Literal["cls", "mean"]

_TOKEN = 32
"""Characters of a token that a text is cut by to begin with: words of a hundred are rare."""
ROWS, STEP = 4, 8
"""Texts of one forward pass, and what their length in tokens is rounded up to."""


class TextNetwork:
    """Tokeniser, network and pooling.

    A vector depends on its text alone, to the last bit: every forward pass has :data:`ROWS` texts of one rounded
    length, missing ones made up, so that the same products of matrices are computed for a text in any company (or, of
    the network in the box, :meth:`~crossspace.features.text.bert.BertEncoder.each` sees to it). An extraction that was
    interrupted, or found some texts in a cache, so gives the same corpus. (Another processor, number of threads or
    release of PyTorch may round otherwise.)

    Args:
        checkpoint: what :func:`~crossspace.features.checkpoint.load_checkpoint` gives for ``text``.
        pooling: ``cls`` takes the state of the first token, ``mean`` the mean over the tokens of the text.
        limit: tokens that are read at most, the special ones included; what follows is cut off. The network's own
            limit where it is lower.
        layer: whose states are pooled, counted as in ``hidden_states`` of the network.

    Raises:
        DataError: the checkpoint has no first token to take, or does not work as an encoder of texts.
    """

    def __init__(self, checkpoint: Checkpoint, pooling: Pooling, limit: int | None = None, layer: int = -1) -> None:
        network, self._tokenizer, _ = checkpoint
        self._network = network.get_encoder() if network.config.is_encoder_decoder else network
        self._pooling, self._layer = pooling, layer
        self.limit = min(limit or 1 << 30, limit_of(network, self._tokenizer))
        # Tokenisers of decoders pad on the left, where `cls` would take the padding.
        self._tokenizer.padding_side = "right"
        # Any token will do: whatever stands there is masked.
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token or self._tokenizer.unk_token
        if pooling == "cls" and self._tokenizer.cls_token is None and self._tokenizer.bos_token is None:
            raise DataError(
                "Pooling 'cls' needs a network whose texts begin with a token of their own. This one has none; use "
                "pooling=mean."
            )
        try:
            # Also sets the tokenizer up, which is not safe to do from several threads at once.
            (probe,) = self.vectors(["a probe"])
        except Exception as error:  # whatever another kind of network raises
            raise DataError(
                f"The network should encode texts. Found a {type(network).__name__}, which fails: {error!r}."
            ) from error
        if probe is None:
            raise DataError(f"The network should give finite numbers. This {type(network).__name__} does not.")
        self.width = len(probe)

    @torch.inference_mode()
    def vectors(self, texts: Sequence[str]) -> list[np.ndarray | None]:
        """One float32 vector ``(D,)`` per text; ``None`` where no token is left or the network overflows."""
        vectors: list[np.ndarray | None] = [None] * len(texts)
        if not texts:
            return vectors
        tokens = first_tokens(self._tokenizer, texts, self.limit)
        for rows, pooled in self._pooled(tokens):
            for row, vector in zip(rows, pooled.numpy()[: len(rows)], strict=True):
                vectors[row] = vector if np.isfinite(vector).all() else None
        return vectors

    def _pooled(self, tokens: Sequence[list[int]]) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Places of texts, and their vectors."""
        if isinstance(self._network, BertEncoder) and self._layer == -1:
            for rows, states in self._network.each(tokens):
                yield rows, self._pool(states, torch.ones(states.shape[:2]))
            return
        for rows, length in batches([len(t) for t in tokens], self.limit):
            # The last text again until the pass is full: another number of rows would round otherwise.
            full = [tokens[row] for row in rows + rows[-1:] * (ROWS - len(rows))]
            inputs = self._tokenizer.pad(
                {"input_ids": full}, padding="max_length", max_length=length, return_tensors="pt"
            )
            mask = inputs["attention_mask"]
            yield rows, self._pool(self._states(inputs["input_ids"], mask), mask)

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        # A token is a byte at least, and most texts are short: they need not be looked at again.
        room = self.limit - self._tokenizer.num_special_tokens_to_add()
        return (
            len(text.encode("utf-8", "replace")) > room
            and len(first_tokens(self._tokenizer, [text], self.limit + 1)[0]) > self.limit
        )

    def _states(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` to ``(B, T, D)``."""
        inputs = {"input_ids": tokens, "attention_mask": mask}
        if self._layer == -1:
            return self._network(**inputs).last_hidden_state
        return self._network(**inputs, output_hidden_states=True).hidden_states[self._layer]

    def _pool(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """``(B, T, D)`` to ``(B, D)``."""
        if self._pooling == "cls":
            # A view would keep the states of the whole batch in memory.
            return states[:, 0].clone()
        weights = mask.unsqueeze(2).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)


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


def batches(lengths: Sequence[int], limit: int) -> Iterator[tuple[list[int], int]]:
    """At most :data:`ROWS` rows of one rounded length, and that length; rows without a token are left out."""
    rounded: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        if length:
            rounded.setdefault(min(-(-length // STEP) * STEP, limit), []).append(row)
    for length, rows in sorted(rounded.items()):
        for at in range(0, len(rows), ROWS):
            yield rows[at : at + ROWS], length


def limit_of(network: Any, tokenizer: Any) -> int:
    """Tokens that the network has positions for."""
    positions = getattr(network.config, "max_position_embeddings", None) or 512
    # Networks of RoBERTa's family number positions from behind that of the padding token.
    taken = getattr(getattr(network, "embeddings", None), "padding_idx", None)
    return min(positions - (0 if taken is None else taken + 1), tokenizer.model_max_length)
