"""What stands beside an exported model: what it is, what it reads, and how it was checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crossspace.data.details import check_details
from crossspace.data.task import TaskSpec
from crossspace.features.text.text_input import TextInput
from crossspace.reading import check_format, reading

MODEL, DESCRIPTION, REQUIREMENTS = "model.onnx", "exported.json", "requirements.txt"
TEXT_MODEL, TOKENIZER = "text.onnx", "tokenizer.json"
ADVICE = "Copy the folder again, or export the model again."
_FORMAT = 1


@dataclass(frozen=True)
class TextDescription:
    """The encoder of texts beside an exported model.

    Attributes:
        settings: what it reads of a text.
        width: of its vectors.
        difference: the largest difference of a number of a vector to PyTorch that was found at the export, in parts of
            the largest number of that vector where that is above 1.
        checked: in how many texts it was looked for.
    """

    settings: TextInput
    width: int
    difference: float
    checked: int

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TextDescription:
        """Of plain values.

        Raises:
            TypeError, ValueError: they describe none.
        """
        found = cls(**{**plain, "settings": TextInput(**plain["settings"])})
        if type(found.width) is not int or found.width < 1:
            raise ValueError("a width that no encoder has")
        return found


@dataclass(frozen=True)
class Description:
    """An exported model.

    Attributes:
        model: its name, such as ``css``.
        task: labels, modalities and speakers.
        causal: whether no output depends on a later utterance.
        heads: the modalities that have classifiers of their own.
        details: what the saved model knows beside its weights: extractors, calibration.
        opset: of ONNX.
        difference: the largest difference in probability to PyTorch that was found at the export.
        checked: how many conversations it was found in.
        release: of crossspace, and of PyTorch.
        text_encoder: where it was exported too.
    """

    model: str
    task: TaskSpec
    causal: bool
    heads: tuple[str, ...]
    opset: int
    difference: float
    checked: int
    details: Mapping[str, Any] = field(default_factory=dict)
    release: Mapping[str, str] = field(default_factory=dict)
    text_encoder: TextDescription | None = None

    @property
    def extractors(self) -> Mapping[str, Mapping[str, Any]]:
        """``{modality: {"name", "version", "parameters"}}`` of the features that the model was trained on."""
        return dict(self.details.get("extractors", {}))

    @property
    def temperature(self) -> float:
        """What logits are divided by: 1 unless the model is calibrated."""
        return float(self.details.get("calibration", {}).get("temperature", 1.0))

    def text(self) -> str:
        """As it is written."""
        plain = {"format": _FORMAT, **asdict(self), "task": self.task.to_dict(), "heads": list(self.heads)}
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Description:
        """Undo :meth:`text`.

        Raises:
            DataError: the file is missing, damaged or of an unknown format.
        """
        with reading(path, "the description of an exported crossspace model", ADVICE):
            plain = json.loads(path.read_text(encoding="utf-8"))
            stated = plain.pop("format")
            check_format(stated, _FORMAT, f"{path} (an exported model)")
            if type(stated) is not int or stated != _FORMAT:
                raise ValueError("a format that no release has written")
            plain["task"] = TaskSpec.from_dict(plain["task"])
            encoder = plain.pop("text_encoder", None)
            plain["text_encoder"] = None if encoder is None else TextDescription.from_dict(encoder)
            check_details(plain["details"])
            found = cls(**{**plain, "heads": tuple(plain["heads"])})
            if not isinstance(found.model, str) or type(found.causal) is not bool:
                raise ValueError("a model without a name, or one that does not say what it looks at")
            if not set(found.heads) <= set(found.task.modalities):
                raise ValueError("a classifier that no model has")
            if found.text_encoder is not None and found.text_encoder.width != found.task.widths.get("text"):
                raise ValueError("an encoder of texts whose vectors are not as wide as the model reads them")
            return found
