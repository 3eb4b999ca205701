"""Any network of one picture, exported to an ONNX file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import Missing, VisualExtractor
from crossspace.features.pictures.network_input import PictureInput
from crossspace.runtime import optional_import

_FRAMES = 32
"""Frames that go through a network at once, where its batch is free."""


class OnnxVisual(VisualExtractor):
    """Crops through an exported network, mean over the frames; DenseNet on FER+ is the paper's 342.

    The network has one input, ``(N, C, H, W)`` or ``(N, H, W, C)`` with one channel (grey) or three (RGB). Crops are
    resized to it. It runs on the CPU.

    Args:
        model: an ONNX file that holds its weights itself.
        scale: what the network expects of pixels: ``0-1``, ``0-255``, or ``imagenet`` (0-1, less the mean and divided
            by the standard deviation of ImageNet's colours).
        output: the name of the output that is the feature, flattened; the first if left out.
        size: the side of the picture, for networks that leave it open.

    Raises:
        UsageError: an option does not fit the network.
        DataError: the file cannot be read or is no network of one picture.
        MissingExtraError: ``onnxruntime`` or OpenCV is not installed.
    """

    name = "onnx"
    licence = "that of the network"
    argument = "model"

    def __init__(
        self,
        model: str,
        scale: Literal["0-1", "0-255", "imagenet"] = "0-1",
        output: str | None = None,
        size: int | None = None,
    ) -> None:
        path = Path(model)
        content = _content(path)
        self._file = path.name
        self.version = f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"
        self._session = _session(path, content)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise DataError(
                f"{path.name} should have one input, a picture. Found {len(inputs)}: "
                f"{', '.join(one.name for one in inputs)}. Export the part of the network that reads the picture."
            )
        self._input = PictureInput(path.name, inputs[0].name, inputs[0].shape, inputs[0].type, scale, size)
        outputs = [one.name for one in self._session.get_outputs()]
        if output is not None and output not in outputs:
            raise UsageError(f"{path.name} has no output {output!r}. It has: {', '.join(outputs)}.")
        self._output = outputs[0] if output is None else output
        stated = {"model": path.name, "scale": scale, "output": output, "size": size}
        # What was left out is not recorded: an identity stays equal when a later release adds an option.
        self.parameters = {key: value for key, value in stated.items() if value is not None}
        # A black picture through the network: many files do not state the shape of their output.
        self.width = self._rows([np.zeros((8, 8, 3), np.uint8)]).shape[1]

    def extract(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per face.

        Raises:
            DataError: the network fails, or answers with numbers that are not finite.
        """
        return [self._vector(crops) if len(crops) else Missing("no face found") for crops in items]

    def _vector(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        step = self._input.batch or _FRAMES
        rows = [self._rows(crops[first : first + step]) for first in range(0, len(crops), step)]
        vector = np.concatenate(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
        if not np.isfinite(vector).all():
            raise DataError(
                f"{self._file} should answer with finite numbers in output {self._output!r}. Found others. "
                f"Check that it expects pixels of scale {self.parameters['scale']}, or choose another output."
            )
        return vector

    def _rows(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """``(F, D)`` of a batch of crops; a network of a fixed batch sees the last one again until it is full."""
        wanted = self._input.batch or len(crops)
        filled = [*crops, *[crops[-1]] * (wanted - len(crops))]
        try:
            answer = self._session.run([self._output], {self._input.name: self._input.tensor(filled)})[0]
            answer = np.asarray(answer, dtype=np.float64)
            return answer.reshape(wanted, -1)[: len(crops)]
        except Exception as error:  # the runtime raises classes of its own; reshape and asarray raise ValueError
            raise DataError(
                f"{self._file} should turn {wanted} pictures into as many rows of {self._output!r}. "
                f"Found: {str(error).splitlines()[0]}. Check the exported network, or choose another output."
            ) from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"The network {path} should be an ONNX file that can be read. Found: {error.strerror or error}. "
            "Pass it as --visual onnx:FILE; what a corpus or a model records is only the file's name."
        ) from error


def _session(path: Path, content: bytes) -> Any:
    """The network in ``content``: from memory, so that nothing but the digested bytes decides the numbers."""
    runtime = optional_import("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    # The runtime writes its own complaints to the terminal; what matters comes as an exception.
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises classes of its own
        raise DataError(
            f"{path} should be an ONNX network that holds its weights itself. "
            f"Found: {str(error).splitlines()[0] or 'something else'}. Export the network again, as one file."
        ) from error
