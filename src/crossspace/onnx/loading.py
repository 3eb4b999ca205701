"""A model by its name, whatever computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from crossspace.onnx.places import exported_folder
from crossspace.onnx.predictor import ExportedPredictor
from crossspace.stores import Where

if TYPE_CHECKING:
    from crossspace.predict import Predictor

AnyPredictor: TypeAlias = "Predictor | ExportedPredictor"


def load_predictor(source: Where | None = None) -> AnyPredictor:
    """An exported model where ``source`` is one, for which PyTorch is not imported; else a model of PyTorch.

    Args:
        source: a folder or a name on a hub, of either; the model in the box if none.

    Raises:
        DataError: there is no usable model, or the hub does not give it.
        MissingExtraError: it was exported, and ONNX Runtime is not installed.
    """
    folder = None if source is None else exported_folder(source)
    if folder is not None:
        return ExportedPredictor.read(folder, str(source))
    from crossspace.predict import Predictor

    return Predictor.from_pretrained(source)
