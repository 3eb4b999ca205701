"""Passages through a fine-tuned encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crossspace.errors import DataError
from crossspace.features.checkpoint import Checkpoint, digest_of, load_checkpoint
from crossspace.features.finetuning.passages import Passage, Reader, Tokens
from crossspace.features.finetuning.saved import SavedEncoder, classifier_of, merge
from crossspace.features.text.network import ROWS, STEP, batches


class Encoder:
    """A fine-tuned encoder that is only read.

    What it says of a passage depends on that alone, to the last bit: every forward pass has as many rows of one rounded
    length, as in :class:`~crossspace.features.text.network.TextNetwork`.

    Args:
        saved: its description.
        checkpoint: the network as it was trained to be.
        classifier: ``weight`` (C, D) and ``bias`` (C,).
        digest: of all that decides the numbers.
    """

    def __init__(self, saved: SavedEncoder, checkpoint: Checkpoint, classifier: dict[str, torch.Tensor], digest: str):
        self.saved, self.digest, self._classifier = saved, digest, classifier
        network = checkpoint.model
        self._network = network.get_encoder() if network.config.is_encoder_decoder else network
        settings = saved.settings
        self._reader = Reader(checkpoint.processor, settings.tokens, bool(settings.context_turns + settings.later_turns))
        self.width, self.limit = int(classifier["weight"].shape[1]), settings.tokens
        self._pad = checkpoint.processor.pad_token_id or 0

    @classmethod
    def read(cls, folder: Path) -> Encoder:
        """From its folder, and the network it was trained from.

        Raises:
            DataError: either is missing or another.
        """
        saved = SavedEncoder.read(folder)
        checkpoint = base_checkpoint(saved.base, saved.settings.layers)
        if checkpoint.digest != saved.digest:
            raise DataError(
                f"{folder} was trained from {saved.base} with the digest {saved.digest}. Here that is another network, "
                f"{checkpoint.digest}: install the release, or pass the folder, that it was trained from."
            )
        merge(checkpoint.model, folder, saved.settings)
        return cls(saved, checkpoint, classifier_of(folder), digest_of(folder))

    @torch.inference_mode()
    def encode(self, passages: Sequence[Passage]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """``(states (D,), logits (C,))`` of each, float32."""
        tokens = self._reader.read(passages)
        states: list[np.ndarray] = [np.zeros(0)] * len(tokens)
        for rows, length in batches([len(t.ids) for t in tokens], self.limit):
            full = [tokens[row] for row in rows + rows[-1:] * (ROWS - len(rows))]
            for row, vector in zip(rows, self._states(full, length).numpy(), strict=False):
                states[row] = vector
        weight, bias = self._classifier["weight"].numpy(), self._classifier["bias"].numpy()
        # One product for each, in float64: of many at once the last bits depend on how many there are.
        return ((state, (weight.astype(np.float64) @ state + bias).astype(np.float32)) for state in states)

    def is_overlong(self, text: str) -> bool:
        """Whether an utterance goes on beyond what is read of it."""
        return self._reader.read([Passage(text, "")])[0].is_cut

    def _states(self, tokens: Sequence[Tokens], length: int) -> torch.Tensor:
        ids, mask = torch.full((len(tokens), length), self._pad), torch.zeros(len(tokens), length, dtype=torch.long)
        own = torch.zeros(len(tokens), length)
        for row, one in enumerate(tokens):
            ids[row, : len(one.ids)], mask[row, : len(one.ids)] = torch.tensor(one.ids), 1
            own[row, one.begin : one.end] = 1
        states = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
        if self.saved.settings.pooling == "cls":
            return states[:, 0].clone()
        return (states * own.unsqueeze(2)).sum(1) / own.sum(1, keepdim=True).clamp(min=1)


def base_checkpoint(base: str, layers: int | None) -> Checkpoint:
    """The network that an encoder is trained from, and its tokenizer.

    Args:
        base: ``minilm``, or ``transformers:MODEL``.
        layers: of it that are computed.

    Raises:
        DataError: there is no such network.
        MissingExtraError: its library is not installed.
    """
    if base == "minilm":
        from crossspace.features.extractors.minilm import minilm_folder

        return load_checkpoint(str(minilm_folder()), "text", layers)
    return load_checkpoint(base.removeprefix("transformers:"), "text", layers)
