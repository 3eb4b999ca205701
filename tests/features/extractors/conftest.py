"""Material that every extractor of a modality can work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RATE = 16_000


@pytest.fixture(scope="session")
def voice() -> Callable[..., np.ndarray]:
    """Builds something like a voice: harmonics of a gliding pitch in syllables, with a little noise."""

    def build(seconds: float, hertz: float = 140.0, seed: int = 0) -> np.ndarray:
        time = np.arange(round(seconds * RATE)) / RATE
        phase = 2 * np.pi * (hertz * time + 5 * time**2)
        tone = sum(np.sin(k * phase) / k for k in range(1, 15))
        noise = np.random.default_rng(seed).standard_normal(len(time))
        return ((0.6 - 0.4 * np.cos(2 * np.pi * 4 * time)) * (0.1 * tone + 0.005 * noise)).astype(np.float32)

    return build


@pytest.fixture(scope="session")
def material(voice: Callable[..., np.ndarray]) -> dict[str, list[Any]]:
    """Five utterances of very different lengths, by modality."""
    random = np.random.default_rng(0)
    faces = [
        [random.integers(0, 256, (128, 128, 3), dtype=np.uint8) for _ in range(frames)] for frames in (2, 3, 4, 5, 8)
    ]
    return {
        "text": ["Hi.", "I can’t believe it: you did WHAT?!", "word " * 400, "😀", "No no no no."],
        "audio": [
            voice(s, h, i) for i, (s, h) in enumerate([(0.1, 90), (0.35, 140), (1.7, 220), (0.9, 110), (3.1, 300)])
        ],
        "visual": faces,
    }


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported network: the mean colour of a picture ``(N, 3, 32, 32)``."""
    onnx = pytest.importorskip("onnx")
    make = onnx.helper
    given = make.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["N", 3, 32, 32])
    wanted = make.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["N", 3])
    node = make.make_node("ReduceMean", ["pixels"], ["features"], axes=[2, 3], keepdims=0)
    graph = make.make_graph([node], "mean", [given], [wanted])
    path = tmp_path_factory.mktemp("onnx") / "mean.onnx"
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture(scope="session")
def tuned_folders(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``{modality: folder}`` of a fine-tuned encoder as it is before its first step."""
    pytest.importorskip("peft")
    from crossspace.features.finetuned.saved import SavedEncoder
    from crossspace.features.finetuned.settings import FineTuning
    from crossspace.finetuning.material import Clips, Texts

    settings, root = FineTuning(adapters=2, adapted="all"), tmp_path_factory.mktemp("tuned")
    for modality, folder in folders.items():
        material = Texts(settings) if modality == "text" else Clips(settings, modality, root)
        base = f"transformers:{folder}"
        checkpoint = material.checkpoint(base)
        trained = material.network(checkpoint, 3).trained()
        best = {"epoch": 0, "score": 0.5}
        saved = SavedEncoder(
            "tiny", base, checkpoint.digest, settings, ("a", "b", "c"), frozenset(), best, {}, modality, str(folder)
        )
        saved.write(root / modality, trained)
    return {modality: root / modality for modality in folders}
