"""Models as ONNX: written by PyTorch, predicting without it.

What predicts, :class:`ExportedPredictor`, imports no PyTorch; what exports, :mod:`crossspace.onnx.export`, does.
"""

from crossspace.onnx.places import is_exported
from crossspace.onnx.predictor import ExportedPredictor

__all__ = ["ExportedPredictor", "is_exported"]
