"""What can be done, and which sets of libraries each of it takes."""

from __future__ import annotations

from collections.abc import Iterable

from crossspace import without_torch
from crossspace.doctor.requirements import Library

ITSELF = "crossspace"
"""The set of all that the package itself asks for, PyTorch among it."""
READING, EXPORTED, EXPORTED_TEXTS = "reading", "exported models", "exported models of texts"
WITHOUT_TORCH: dict[str, tuple[str, ...]] = {
    READING: without_torch.READING,
    EXPORTED: without_torch.EXPORTED,
    EXPORTED_TEXTS: without_torch.EXPORTED_TEXTS,
}
"""``{set: its libraries}`` of those that do without the package's own; every other set is an extra."""
FEATURES: dict[str, tuple[str, ...]] = {
    "import, train, evaluate, predict, calibrate, study, report, card, list": (ITSELF,),
    "transcript: any format of transcripts": (READING,),
    "analyze TRANSCRIPT, extract --text: the model in the box, encoders of texts": (ITSELF, "text"),
    "analyze and extract RECORDING: sound, faces, who speaks when": (ITSELF, "text", "media"),
    "--transcribe whisper: words of recordings": (ITSELF, "text", "media", "asr"),
    "serve: the page and the HTTP interface": (ITSELF, "serve"),
    "serve, with recordings": (ITSELF, "serve", "text", "media"),
    "finetune: encoders of texts": (ITSELF, "text", "finetune"),
    "finetune --modality audio or visual": (ITSELF, "text", "media", "finetune"),
    "tune: search": (ITSELF, "tune"),
    "tune --storage postgresql://": (ITSELF, "tune", "postgres"),
    "train --track tensorboard": (ITSELF, "tensorboard"),
    "train --track mlflow": (ITSELF, "mlflow"),
    "export: models as ONNX": (ITSELF, "onnx"),
    "export, with the encoder of texts": (ITSELF, "onnx", "text"),
    "predict by an exported model": (EXPORTED,),
    "analyze TRANSCRIPT by an exported model": (EXPORTED_TEXTS,),
    "serve by an exported model": (EXPORTED_TEXTS, "serve"),
    "extract --visual onnx": (ITSELF, "media", "onnx"),
    "extract --audio opensmile": (ITSELF, "media", "opensmile"),
    "--engine ray": (ITSELF, "ray"),
    "Analysis as a pandas table": (READING, "frame"),
    "files at addresses, memory://": (READING, "stores"),
    "files at s3://": (READING, "s3"),
    "files at gs://": (READING, "gcs"),
}
"""``{what is done: the sets of libraries that it takes}``."""


def install(extras: Iterable[str] = (), upgrade: bool = False) -> str:
    """The command that brings the package with all that it asks for, and these extras."""
    named = ",".join(extras)
    return f"pip install {'--upgrade ' * upgrade}" + (f"'crossspace[{named}]'" if named else "crossspace")


def install_alone(libraries: Iterable[Library]) -> str:
    """The command that brings these libraries and no PyTorch, which every extra of the package brings along."""
    return " ".join(["pip install", *dict.fromkeys(f"'{one.name}{one.wanted}'" for one in libraries)])
