"""The encoder of BERT from its published weights, for the text extractor in the box.

Importing the library that computes any network takes longer than all else that a short analysis does, and one network
is enough for it. :meth:`BertEncoder.forward` is the same arithmetic, operation for operation: its states are those of
``transformers`` to the last bit, which a test holds (Devlin et al. 2019). :meth:`BertEncoder.each` leaves out the
padding, and rounds otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from crossspace.building import uninitialised
from crossspace.features.checkpoint import Checkpoint, digest_of
from crossspace.features.text.tokenizer_file import TokenizerFile
from crossspace.reading import reading

_BLOCK = 256
"""Tokens that are multiplied together; fewer are slower for each, and more for a single text."""
_AT_A_TIME = 64 * _BLOCK
"""Tokens in memory at a time."""


class BertEncoder(nn.Module):
    """Token ids and mask to the states behind every layer.

    Args:
        config: ``config.json`` of the network.
        layers: how many of its layers are computed, the first ones.
    """

    def __init__(self, config: Mapping[str, Any], layers: int) -> None:
        super().__init__()
        width, eps = int(config["hidden_size"]), float(config["layer_norm_eps"])
        self.config = SimpleNamespace(
            is_encoder_decoder=False,
            hidden_size=width,
            max_position_embeddings=int(config["max_position_embeddings"]),
        )
        self.words = nn.Embedding(int(config["vocab_size"]), width)
        self.positions = nn.Embedding(self.config.max_position_embeddings, width)
        self.types = nn.Embedding(int(config["type_vocab_size"]), width)
        self.norm = nn.LayerNorm(width, eps=eps)
        heads, inner = int(config["num_attention_heads"]), int(config["intermediate_size"])
        self.layers = nn.ModuleList(_Layer(width, heads, inner, eps) for _ in range(layers))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, output_hidden_states: bool = False) -> SimpleNamespace:
        """(B, T) ids and mask, 1 where a token stands, to ``last_hidden_state`` (B, T, D) and ``hidden_states``."""
        # No mask at all where nothing is masked, as the library has it: another kernel, other last bits.
        states = self.states(input_ids, None if bool(attention_mask.all()) else attention_mask)
        return SimpleNamespace(last_hidden_state=states[-1], hidden_states=tuple(states))

    def states(self, input_ids: Tensor, attention_mask: Tensor | None) -> list[Tensor]:
        """The same without a look at what is masked, which no graph could hold: (B, T, D) each."""
        # Positions count the padding as well, which stands behind all tokens and is masked.
        places = torch.arange(input_ids.shape[1])
        rows = self.words(input_ids) + self.types(torch.zeros_like(input_ids)) + self.positions(places)
        batch, length = input_ids.shape
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        mask = None if mask is None else mask.expand(batch, 1, length, length)
        states = [self.norm(rows)]
        for layer in self.layers:
            states.append(layer(states[-1], mask))
        return states

    def each(self, texts: Sequence[Sequence[int]]) -> Iterator[tuple[list[int], Tensor]]:
        """The last states of the ids of texts, without padding: ``(n,)`` places of texts of one length T, (n, T, D).

        A text's states depend on it alone, to the last bit: its tokens go through the products of matrices in blocks
        of one size, whoever else stands in them, and attention sees one text at a time.
        """
        order = sorted((place for place, ids in enumerate(texts) if ids), key=lambda place: len(texts[place]))
        while order:
            tokens = np.cumsum([len(texts[place]) for place in order])
            count = max(1, int(np.searchsorted(tokens, _AT_A_TIME, side="right")))
            some, order = order[:count], order[count:]
            lengths = [len(texts[place]) for place in some]
            runs = [len(list(run)) for _, run in groupby(lengths)]
            states, begin = self._packed([texts[place] for place in some], runs), 0
            for run in runs:
                length = lengths[begin]
                rows, states = states[: run * length], states[run * length :]
                yield some[begin : begin + run], rows.unflatten(0, (run, length))
                begin += run

    def _packed(self, texts: Sequence[Sequence[int]], runs: Sequence[int]) -> Tensor:
        """(tokens, D) last states of texts in the order of their lengths; ``runs`` counts those of each length."""
        places = torch.tensor([place for ids in texts for place in range(len(ids))])
        ids = torch.tensor([token for ids in texts for token in ids])
        # Whatever stands in what fills the last block: no row of another depends on it.
        fill = (0, -len(ids) % _BLOCK)
        ids, places = F.pad(ids, fill), F.pad(places, fill)
        rows = self.norm(self.words(ids) + self.types(torch.zeros_like(ids)) + self.positions(places))
        lengths = [len(texts[at - 1]) for at in np.cumsum(runs)]
        for layer in self.layers:
            assert isinstance(layer, _Layer)
            rows = layer.packed(rows, list(zip(runs, lengths, strict=True)))
        return rows


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.norm = nn.Linear(width, width), nn.LayerNorm(width, eps=eps)
        self.up, self.down, self.last_norm = (
            nn.Linear(width, inner),
            nn.Linear(inner, width),
            nn.LayerNorm(width, eps=eps),
        )

    def forward(self, rows: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        batch, length, width = rows.shape
        q, k, v = (
            part(rows).view(batch, length, self.heads, -1).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self._behind(context.transpose(1, 2).reshape(batch, length, width), rows)

    def packed(self, rows: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
        """(N, D) to (N, D), N blocks; ``runs`` are ``(texts, tokens of each)``, one after the other."""
        blocks = rows.split(_BLOCK)
        q, k, v = (torch.cat([part(block) for block in blocks]) for part in (self.query, self.key, self.value))
        context, begin = torch.zeros_like(rows), 0
        for count, length in runs:
            span = slice(begin, begin + count * length)
            one, other, told = (x[span].view(count, length, self.heads, -1).transpose(1, 2) for x in (q, k, v))
            found = F.scaled_dot_product_attention(one, other, told)
            context[span] = found.transpose(1, 2).reshape(count * length, -1)
            begin = span.stop
        return torch.cat([self._behind(c, r) for c, r in zip(context.split(_BLOCK), blocks, strict=True)])

    def _behind(self, context: Tensor, rows: Tensor) -> Tensor:
        """What follows the attention."""
        rows = self.norm(self.out(context) + rows)
        return self.last_norm(self.down(F.gelu(self.up(rows))) + rows)


def load_bert(folder: Path, layers: int) -> Checkpoint:
    """The first layers of a BERT, and its tokeniser.

    Raises:
        DataError: the folder does not hold one.
        MissingExtraError: ``tokenizers`` is not installed.
    """
    with reading(folder, "the weights of a BERT", "Install the package that carries them again."):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        # Random weights would be drawn and replaced at once, which takes longer than reading them.
        with uninitialised():
            network = BertEncoder(config, layers)
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            network.load_state_dict({ours: file.get_tensor(theirs) for ours, theirs in _names(layers).items()})
        tokenizer = TokenizerFile.of_bert(folder / "tokenizer.json", network.config.max_position_embeddings)
        return Checkpoint(network.eval().requires_grad_(False), tokenizer, digest_of(folder))


_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "last_norm": "output.LayerNorm",
}


def published_names(network: BertEncoder) -> dict[str, str]:
    """``{name of a parameter in the published file: its name here}``."""
    return {theirs: ours for ours, theirs in _names(len(network.layers)).items()}


def _names(layers: int) -> dict[str, str]:
    """``{name of a parameter here: its name in the published file}``."""
    names = {
        f"{part}.weight": f"embeddings.{full}.weight"
        for part, full in (
            ("words", "word_embeddings"),
            ("positions", "position_embeddings"),
            ("types", "token_type_embeddings"),
        )
    }
    ends = ("weight", "bias")
    names |= {f"norm.{end}": f"embeddings.LayerNorm.{end}" for end in ends}
    for number in range(layers):
        for ours, theirs in _PARTS.items():
            names |= {f"layers.{number}.{ours}.{end}": f"encoder.layer.{number}.{theirs}.{end}" for end in ends}
    return names
