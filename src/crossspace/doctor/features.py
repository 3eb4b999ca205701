"""What needs which extra of crossspace."""

from __future__ import annotations

FEATURES: dict[str, tuple[str, ...]] = {
    "import, train, evaluate, predict, calibrate, study, report": (),
    "transcript: any format of transcripts": (),
    "analyze TRANSCRIPT, extract --text: the model in the box, encoders of texts": ("text",),
    "analyze and extract RECORDING: sound, faces, who speaks when": ("text", "media"),
    "--transcribe whisper: words of recordings": ("text", "media", "asr"),
    "serve: the page and the HTTP interface": ("serve",),
    "serve, with recordings": ("serve", "text", "media"),
    "finetune: encoders of texts": ("text", "finetune"),
    "finetune --modality audio or visual": ("text", "media", "finetune"),
    "tune: search": ("tune",),
    "tune --storage postgresql://": ("tune", "postgres"),
    "train --track tensorboard": ("tensorboard",),
    "train --track mlflow": ("mlflow",),
    "export, and predict and analyze by what was exported": ("onnx", "text"),
    "extract --visual onnx": ("media", "onnx"),
    "extract --audio opensmile": ("media", "opensmile"),
    "--engine ray": ("ray",),
    "Analysis as a pandas table": ("frame",),
    "files at addresses, memory://": ("stores",),
    "files at s3://": ("s3",),
    "files at gs://": ("gcs",),
}
"""``{what is done: the extras that it takes}``."""


def install(extras: tuple[str, ...] | list[str], upgrade: bool = False) -> str:
    """The command that brings them."""
    return f"pip install {'--upgrade ' * upgrade}'crossspace[{','.join(extras)}]'"
