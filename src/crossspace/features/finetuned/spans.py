"""Stretches of sound and faces through a fine-tuned encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crossspace.features.checkpoint import Checkpoint, load_checkpoint
from crossspace.features.extractors.base import RATE
from crossspace.features.finetuned.encoder import Encoder, Vectors
from crossspace.features.voice.usable import unusable

STRETCH = 30 * RATE
"""Samples that are heard at once: attention over more would take memory with the square of the length."""
FRAMES = 16
"""Faces that are seen at once."""


class Seer:
    """What a network hears or sees in one utterance, as one vector that gradients flow through.

    Sound is heard in equal stretches of at most 30 s, whose means over time are weighted by length; of faces the mean
    over the frames is taken, of each the state of its first token where the network has one (``pooling`` is ``cls``) or
    the mean over its states.

    Args:
        network: as ``AutoModel`` builds it.
        processor: its feature extractor or image processor.
        modality: ``audio`` or ``visual``.
        pooling: of the states of a face.
    """

    def __init__(self, network: Any, processor: Any, modality: str, pooling: str) -> None:
        self.network, self._processor, self._modality, self._pooling = network, processor, modality, pooling

    def __call__(self, item: np.ndarray) -> Tensor:
        """(T,) samples, or (F, S, S, 3) faces, to (D,)."""
        return self._heard(item) if self._modality == "audio" else self._seen(item)

    def _heard(self, samples: np.ndarray) -> Tensor:
        total: Tensor | None = None
        for stretch in np.array_split(samples, -(-len(samples) // STRETCH)):
            inputs = self._processor(stretch, sampling_rate=RATE, return_tensors="pt")["input_values"]
            part = self._states(inputs, "input_values")[0].mean(0) * (len(stretch) / len(samples))
            total = part if total is None else total + part
        assert total is not None
        return total

    def _seen(self, faces: np.ndarray) -> Tensor:
        rows = []
        for first in range(0, len(faces), FRAMES):
            crops = list(faces[first : first + FRAMES])
            inputs = self._processor(images=crops, return_tensors="pt", input_data_format="channels_last")
            states = self._states(inputs["pixel_values"], "pixel_values")
            if states.ndim == 4:  # (F, D, H, W) of a convolutional network
                states = states.flatten(2).transpose(1, 2)
            rows.append(states[:, 0] if self._pooling == "cls" else states.mean(1))
        return torch.cat(rows).mean(0)

    def _states(self, inputs: Tensor, name: str) -> Tensor:
        parameter = next(self.network.parameters())
        return self.network(**{name: inputs.to(parameter.device, parameter.dtype)}).last_hidden_state


class SpanEncoder(Encoder):
    """A fine-tuned encoder of sound or faces that is only read; utterances are read one by one."""

    def _checkpoint(self, base: str) -> tuple[Checkpoint, dict[str, str]]:
        return span_checkpoint(base, self.modality, self.saved.settings.layers), {}

    def _prepare(self, checkpoint: Checkpoint) -> None:
        self._seer = Seer(checkpoint.model, checkpoint.processor, self.modality, self.saved.settings.pooling)

    @torch.inference_mode()
    def encode(self, items: Sequence[np.ndarray]) -> list[Vectors | None]:
        """The vectors of each utterance; ``None`` where nothing is heard or nobody is seen."""
        return [self._one(usable_item(item, self.modality)) for item in items]

    def _one(self, item: np.ndarray | None) -> Vectors | None:
        if item is None:
            return None
        return self._with_logits(self._seer(item).float().numpy())


class AudioEncoder(SpanEncoder):
    """Hears."""

    modality = "audio"


class VisualEncoder(SpanEncoder):
    """Sees faces."""

    modality = "visual"


def usable_item(item: Any, modality: str) -> np.ndarray | None:
    """Samples or faces as one array; ``None`` where they are too few or silent."""
    if modality == "audio":
        samples = np.asarray(item, dtype=np.float32)
        return samples if unusable(samples) is None else None
    return np.stack(item) if len(item) else None


def span_checkpoint(base: str, modality: str, layers: int | None) -> Checkpoint:
    """The network that an encoder of sound or faces is trained from, and what prepares its input.

    Raises:
        DataError: there is no such network.
        MissingExtraError: its library is not installed.
    """
    checkpoint = load_checkpoint(base.removeprefix("transformers:"), modality, layers)  # type: ignore[arg-type]
    network = getattr(checkpoint.model, "vision_model", checkpoint.model) if modality == "visual" else checkpoint.model
    # Masking of stretches and leaving out of layers are drawn outside of PyTorch's random numbers.
    for name, value in (("apply_spec_augment", False), ("layerdrop", 0.0)):
        if hasattr(network.config, name):
            setattr(network.config, name, value)
    return checkpoint._replace(model=network)
