"""Any pretrained network that encodes pictures, such as a vision transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import Missing, VisualExtractor

_FRAMES = 16
"""Frames that go through a network at once."""


class TransformersVisual(VisualExtractor):
    """Crops through a pretrained network, a folder or a name on a hub, mean over the frames.

    Pictures are prepared as the network's own ``preprocessor_config.json`` says, by Pillow. Of a network of pictures
    and text, such as CLIP, the part that sees is used.

    Args:
        model: a folder that ``save_pretrained`` wrote, or a name on a hub, ``OWNER/NAME`` or ``OWNER/NAME@REVISION``;
            a folder is tried first. Weights are read from safetensors only.
        pooling: ``cls`` takes the last state of the first token, ``mean`` the mean over all states; a network without
            a class token (Swin, SigLIP, convolutional ones) wants ``mean``.

    Raises:
        UsageError: there is no such pooling, or the network has no tokens to take the first of.
        DataError: there is no such model, or it does not encode pictures.
        MissingExtraError: ``transformers`` is not installed.
    """

    name = "transformers"
    licence = "that of the network, on its model card"
    argument = "model"

    def __init__(self, model: str, pooling: Literal["cls", "mean"] = "cls") -> None:
        if pooling not in ("cls", "mean"):
            raise UsageError(f"'pooling' of transformers should be cls or mean. Found {pooling!r}.")
        from crossspace.features.checkpoint import load_checkpoint, short_name

        checkpoint = load_checkpoint(model, "visual")
        self._network = getattr(checkpoint.model, "vision_model", checkpoint.model)
        self._processor = checkpoint.processor
        self.version = checkpoint.digest
        self.parameters = {"model": short_name(model), "pooling": pooling}
        # Found by trying: configurations name the width of their states in many ways.
        self.width = self._rows([np.zeros((8, 8, 3), np.uint8)]).shape[1]

    def extract(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per face.

        Raises:
            DataError: the network answers with numbers that are not finite.
        """
        return [self._vector(crops) if len(crops) else Missing("no face found") for crops in items]

    def _vector(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        rows = [self._rows(crops[first : first + _FRAMES]) for first in range(0, len(crops), _FRAMES)]
        vector = np.concatenate(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
        if not np.isfinite(vector).all():
            raise DataError(
                f"{self.parameters['model']} should answer with finite numbers. Found others. Its weights are "
                "damaged, or it is no network for single pictures; choose another."
            )
        return vector

    def _rows(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """``(F, D)`` of a batch of crops."""
        import torch

        try:
            inputs = self._processor(images=list(crops), return_tensors="pt", input_data_format="channels_last")
            with torch.inference_mode():
                states = self._network(pixel_values=inputs["pixel_values"]).last_hidden_state
        except Exception as error:  # whatever a network for other input makes of a picture
            raise DataError(
                f"{self.parameters['model']} should be a network that encodes pictures. Found: "
                f"{(str(error) or type(error).__name__).splitlines()[0].rstrip('. ')}. Choose another."
            ) from error
        if states.ndim == 4:  # (F, D, H, W) of a convolutional network
            if self.parameters["pooling"] == "cls":
                raise UsageError(f"{self.parameters['model']} has no class token. Use pooling=mean.")
            states = states.flatten(2).transpose(1, 2)
        pooled = states[:, 0] if self.parameters["pooling"] == "cls" else states.mean(dim=1)
        return pooled.numpy()
