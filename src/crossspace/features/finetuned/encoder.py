"""What every fine-tuned encoder is, whatever it reads: a network, what it was trained to be, and a classifier."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from crossspace.errors import DataError, UsageError
from crossspace.features.checkpoint import Checkpoint
from crossspace.features.finetuned.saved import SavedEncoder, classifier_of, merge, weights_digest

Vectors = tuple[np.ndarray, np.ndarray]
"""What the classifier sees of an utterance, (D,), and what it says, (C,) logits; float32."""


class Encoder(ABC):
    """A fine-tuned encoder that is only read.

    Args:
        folder: of the encoder.
        base: the network that it was trained from, ``transformers:MODEL``, where that is not where it was.

    Raises:
        DataError: there is none, it reads another modality, or the network that it was trained from is another here.

    Attributes:
        saved: its description.
        digest: of all that decides the numbers.
        width: D.
        limit: tokens that it reads of an utterance at most, where there is such a limit.
    """

    modality: ClassVar[str]
    limit: int | None = None

    def __init__(self, folder: Path, base: str | None = None) -> None:
        self.saved = SavedEncoder.read(folder)
        if self.saved.modality != self.modality:
            raise DataError(
                f"{folder} should be an encoder of {self.modality}. It is one of {self.saved.modality}: write "
                f"--{self.saved.modality} finetuned:{folder}."
            )
        checkpoint, names = self._checkpoint(self.saved.network(folder, base))
        if checkpoint.digest != self.saved.digest:
            raise DataError(
                f"{folder} was trained from {self.saved.base} with the digest {self.saved.digest}. Here that is "
                f"another network, {checkpoint.digest}. Install the release that it was trained from, or say where it "
                f"is: finetuned:{folder},base=transformers:FOLDER."
            )
        merge(checkpoint.model, folder, self.saved.settings, names)
        self.digest, classifier = weights_digest(folder, self.saved), classifier_of(folder, len(self.saved.labels))
        # float64: in float32 the last bits of a product depend on how it is computed.
        self._weight, self._bias = (classifier[n].double().numpy() for n in ("weight", "bias"))
        self.width = width_of(checkpoint.model)
        if self._weight.shape[1] != self.width:
            raise DataError(
                f"{folder} should hold a classifier of {self.width} numbers, as many as its network gives. Found one "
                f"of {self._weight.shape[1]}. Copy the folder again."
            )
        self._prepare(checkpoint)

    @property
    def classifier(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Its weight (C, D) and bias (C,), float64."""
        return torch.from_numpy(self._weight), torch.from_numpy(self._bias)

    @abstractmethod
    def _checkpoint(self, base: str) -> tuple[Checkpoint, dict[str, str]]:
        """The network before it was trained on, and ``{parameter as the library calls it: as the network does}``."""

    @abstractmethod
    def _prepare(self, checkpoint: Checkpoint) -> None:
        """Keep what :meth:`encode` needs of the network as it was trained to be."""

    @abstractmethod
    def encode(self, items: Sequence[Any]) -> list[Vectors | None]:
        """The vectors of each item; ``None`` where there is nothing to read. The company of an item changes nothing."""

    def _with_logits(self, state: np.ndarray) -> Vectors | None:
        logits = (self._weight @ state + self._bias).astype(np.float32)
        # Weights that nobody trained so may be anything; what is not finite is no answer.
        return (state, logits) if np.isfinite(state).all() and np.isfinite(logits).all() else None


def width_of(network: Any) -> int:
    """D of the states of a network.

    Raises:
        UsageError: its configuration does not say.
    """
    config = network.config
    found = getattr(config, "hidden_size", None) or (getattr(config, "hidden_sizes", None) or [None])[-1]
    if not isinstance(found, int):
        raise UsageError(
            f"The configuration of the network, a {type(network).__name__}, should say how wide its states are "
            "(hidden_size). It does not; choose another network."
        )
    return found
