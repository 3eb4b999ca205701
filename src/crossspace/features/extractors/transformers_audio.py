"""Pretrained networks that hear speech: WavLM, HuBERT, wav2vec 2.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import RATE, AudioExtractor, Missing
from crossspace.features.voice.usable import unusable

_STRETCH = 30 * RATE
"""Samples that are heard at once: attention over more would take memory with the square of the length."""


class TransformersAudio(AudioExtractor):
    """Speech through a pretrained network, a folder or a name on a hub: WavLM, HuBERT or wav2vec 2.0.

    The mean of a layer's states over time. Utterances are heard one by one, so that none changes another; longer than
    30 s they are heard in equal stretches of at most that, whose means are weighted by length. *Missing* is what is
    shorter than 100 ms or silent.

    Args:
        model: a folder that ``save_pretrained`` wrote, or a name on a hub, ``OWNER/NAME`` or ``OWNER/NAME@REVISION``;
            a folder is tried first. Weights are read from safetensors only.
        layer: whose states are taken: 0 what enters the first layer, 1 what leaves it, -1 what leaves the last.
        pooling: ``mean`` over time.

    Raises:
        UsageError: there is no such layer or pooling.
        DataError: there is no such model, or it does not hear 16 kHz audio.
        MissingExtraError: ``transformers`` is not installed.
    """

    name = "transformers"
    licence = "that of the network, on its model card"
    argument = "model"
    batch = 8

    def __init__(self, model: str, layer: int = -1, pooling: Literal["mean"] = "mean") -> None:
        if pooling != "mean":
            raise UsageError(f"'pooling' of transformers should be mean. Found {pooling!r}.")
        from crossspace.features.checkpoint import check_layer, load_checkpoint, short_name

        checkpoint = load_checkpoint(model, "audio")
        check_layer(checkpoint, model, layer)
        self._network, self._prepare, self.version = checkpoint
        self._layer = layer
        self.parameters = {"model": short_name(model), "layer": layer, "pooling": pooling}
        if getattr(self._prepare, "sampling_rate", RATE) != RATE:
            raise DataError(f"{model} should hear {RATE} samples per second. It hears {self._prepare.sampling_rate}.")
        try:
            # A tone, not silence, which the feature extractor would scale by its deviation of 0.
            probe = self._mean(np.sin(np.arange(RATE // 10, dtype=np.float32)))
        except Exception as error:  # whatever another kind of network raises
            raise DataError(
                f"{model} should turn samples into states over time, as WavLM, HuBERT and wav2vec 2.0 do. Found a "
                f"{type(self._network).__name__}, which fails: {error!r}."
            ) from error
        self.width = len(probe)

    def extract(self, items: Sequence[np.ndarray]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per utterance."""
        return [self._one(np.asarray(samples, dtype=np.float32)) for samples in items]

    def _one(self, samples: np.ndarray) -> np.ndarray | Missing:
        if (reason := unusable(samples)) is not None:
            return reason
        total = np.zeros(self.width)
        # Equal stretches: a last one of a few samples would be shorter than the network can hear.
        for stretch in np.array_split(samples, -(-len(samples) // _STRETCH)):
            total += self._mean(stretch) * (len(stretch) / len(samples))
        vector = total.astype(np.float32)
        return vector if np.isfinite(vector).all() else Missing("the network gave values that are not finite")

    def _mean(self, samples: np.ndarray) -> np.ndarray:
        """``(D,)``; the feature extractor scales the samples as the network was trained to hear them."""
        import torch

        inputs = self._prepare(samples, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            states = self._network(inputs["input_values"], output_hidden_states=True).hidden_states[self._layer]
        return states[0].mean(0).numpy()
