"""An encoder of texts as one graph, for any number of texts of any length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from crossspace.errors import UnsuitableError
from crossspace.features.text.bert import BertEncoder
from crossspace.features.text.pooling import pool
from crossspace.features.text.text_input import TextInput


class TextGraph(nn.Module):
    """From the arrays of texts to their vectors.

    Args:
        networks: encoders of one kind; the mean of what they say is taken.
        heads: of each, from the pooled states (B, D) to vectors (B, D').
        layer: whose states are pooled, counted as in ``hidden_states`` of a network.
    """

    def __init__(self, networks: Sequence[nn.Module], heads: Sequence[nn.Module], layer: int = -1) -> None:
        super().__init__()
        self.networks, self.heads, self.layer = nn.ModuleList(networks), nn.ModuleList(heads), layer

    def forward(self, ids: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
        """(B, T) ids, mask and weights to (B, D')."""
        found = [
            head(pool(self._states(network, ids, mask), weights))
            for network, head in zip(self.networks, self.heads, strict=True)
        ]
        return found[0] if len(found) == 1 else torch.stack(found).double().mean(0).float()

    def _states(self, network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
        if isinstance(network, BertEncoder):
            return network.states(ids, mask)[self.layer]
        if self.layer == -1:
            return network(input_ids=ids, attention_mask=mask).last_hidden_state
        return network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[self.layer]


class Normalised(nn.Module):
    """Scales vectors to length 1."""

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, D) to (B, D)."""
        # 1e-12: a vector of zeros stays one and does not become NaN.
        return pooled / pooled.norm(dim=1, keepdim=True).clamp_min(1e-12)


class Classified(nn.Module):
    """States, logits, or one behind the other.

    Args:
        weight, bias: of the classifier, (C, D) and (C,) float64.
        output: ``states``, ``logits`` or ``both``.
    """

    def __init__(self, weight: Tensor, bias: Tensor, output: str) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.output = output

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, D) to (B, D), (B, C) or (B, D + C)."""
        if self.output == "states":
            return pooled
        logits = nn.functional.linear(pooled.double(), self.weight, self.bias).float()  # type: ignore[arg-type]
        return logits if self.output == "logits" else torch.cat([pooled, logits], dim=1)


class ExportableText(NamedTuple):
    """An encoder of texts with all that is needed to read texts elsewhere.

    Attributes:
        graph: in evaluation mode.
        tokenizer: content of its ``tokenizer.json``.
        settings: what it reads of a text.
    """

    graph: TextGraph
    tokenizer: str
    settings: TextInput


def tokenizer_json(tokenizer: Any) -> str:
    """What a tokenizer is as a file.

    Raises:
        UnsuitableError: it has no such file.
    """
    pieces = getattr(tokenizer, "backend_tokenizer", None)
    if pieces is None:
        raise UnsuitableError(f"its tokenizer, a {type(tokenizer).__name__}, has no tokenizer.json")
    return str(pieces.to_str())


def ends_of(tokenizer: Any) -> tuple[int | None, int | None]:
    """The ids of the tokens that a tokenizer puts before and behind a text.

    Raises:
        UnsuitableError: it puts several there.
    """
    options = {"truncation": True, "max_length": 16}
    inner, whole = (tokenizer(["a"], **options, add_special_tokens=them)["input_ids"][0] for them in (False, True))
    for before, behind in ((0, 0), (1, 0), (0, 1), (1, 1)):
        if len(whole) == before + len(inner) + behind and whole[before : before + len(inner)] == inner:
            return (whole[0] if before else None), (whole[-1] if behind else None)
    raise UnsuitableError("its tokenizer puts more than one token before or behind a text")
