"""Models as ONNX: written by PyTorch, predicting without it.

What predicts, :class:`ExportedPredictor`, imports no PyTorch; what exports, :mod:`crossspace.onnx.export`, does.
"""

from crossspace.onnx.predictor import ExportedPredictor, is_exported

__all__ = ["ExportedPredictor", "is_exported"]
