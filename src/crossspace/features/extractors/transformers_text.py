"""Any pretrained network that encodes text, such as RoBERTa-large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from crossspace.errors import UsageError
from crossspace.features.extractors.base import Missing, TextExtractor

if TYPE_CHECKING:
    from crossspace.features.text.graph import ExportableText


class TransformersText(TextExtractor):
    """Texts through a pretrained network, a folder or a name on a hub; RoBERTa-large's ``cls`` is the paper's 1024.

    Texts longer than the network has positions for (512 tokens of RoBERTa) are cut at the end.

    Args:
        model: a folder that ``save_pretrained`` wrote, or a name on a hub, ``OWNER/NAME`` or ``OWNER/NAME@REVISION``;
            a folder is tried first. Weights are read from safetensors only.
        pooling: ``cls`` takes the state of the first token, ``mean`` the mean over the tokens.
        layer: whose states are taken: 0 what enters the first layer, 1 what leaves it, -1 what leaves the last.

    Raises:
        UsageError: there is no such pooling or layer.
        DataError: there is no such model, or it does not encode texts.
        MissingExtraError: ``transformers`` is not installed.
    """

    name = "transformers"
    licence = "that of the network, on its model card"
    argument = "model"
    batch = 128

    def __init__(self, model: str, pooling: Literal["cls", "mean"] = "cls", layer: int = -1) -> None:
        if pooling not in ("cls", "mean"):
            raise UsageError(f"'pooling' of transformers should be cls or mean. Found {pooling!r}.")
        from crossspace.features.checkpoint import check_layer, load_checkpoint, short_name
        from crossspace.features.text.network import TextNetwork

        checkpoint = load_checkpoint(model, "text")
        check_layer(checkpoint, model, layer)
        self._network = TextNetwork(checkpoint, pooling, layer=layer)
        self.width, self.version, self.limit = self._network.width, checkpoint.digest, self._network.limit
        self.parameters = {"model": short_name(model), "pooling": pooling, "layer": layer}

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return self._network.is_overlong(text)

    def exportable(self) -> ExportableText:
        """Network and pooling as one graph."""
        from torch.nn import Identity

        return self._network.exportable(Identity())

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per text."""
        return [Missing("no readable text") if v is None else v for v in self._network.vectors(items)]
