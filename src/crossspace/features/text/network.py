"""Texts through a pretrained network, to one vector each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from crossspace.errors import DataError
from crossspace.features.checkpoint import Checkpoint
from crossspace.features.text.bert import BertEncoder
from crossspace.features.text.graph import ExportableText, TextGraph, ends_of, tokenizer_json
from crossspace.features.text.pooling import pool
from crossspace.features.text.text_input import TextInput
from crossspace.features.text.tokens import Tokens, first_tokens, text_arrays

Pooling = Literal["cls", "mean"]


class TextNetwork:
    """Tokeniser, network and pooling.

    A vector depends on its text alone, to the last bit: every forward pass has
    :data:`~crossspace.features.text.tokens.ROWS` texts of one rounded
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
        # Any token will do: whatever stands there is masked.
        self._pad = self._tokenizer.pad_token_id or 0
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
                yield rows, pool(states, torch.ones(states.shape[:2]))
            return
        found = [Tokens(tuple(ids), 0, len(ids)) for ids in tokens]
        for one in text_arrays(found, self.limit, self._pad, "cls" if self._pooling == "cls" else "own"):
            ids, mask, weights = (torch.from_numpy(array) for array in one[1:])
            yield one.rows, pool(self._states(ids, mask), weights)

    def exportable(self, head: nn.Module) -> ExportableText:
        """Network, tokenizer and what is read of a text.

        Args:
            head: what follows the pooling.

        Raises:
            UnsuitableError: it cannot be exported.
        """
        first, last = ends_of(self._tokenizer)
        pooling: Literal["own", "cls"] = "cls" if self._pooling == "cls" else "own"
        settings = TextInput(first, last, self._pad, self.limit, pooling, whole=True)
        return ExportableText(
            TextGraph([self._network], [head], self._layer), tokenizer_json(self._tokenizer), settings
        )

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


def limit_of(network: Any, tokenizer: Any) -> int:
    """Tokens that the network has positions for."""
    positions = getattr(network.config, "max_position_embeddings", None) or 512
    # Networks of RoBERTa's family number positions from behind that of the padding token.
    taken = getattr(getattr(network, "embeddings", None), "padding_idx", None)
    return min(positions - (0 if taken is None else taken + 1), tokenizer.model_max_length)
