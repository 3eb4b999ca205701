"""Tiny random networks on disk, and material that every extractor of a modality can work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``{modality: folder}`` of a random network and its processor, as ``save_pretrained`` writes them."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("networks")
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    hearing = transformers.WavLMConfig(
        **small, conv_dim=[8] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2
    )
    seeing = transformers.ViTConfig(**small, image_size=32, patch_size=16)
    parts = {
        "audio": (transformers.WavLMModel(hearing), transformers.Wav2Vec2FeatureExtractor(do_normalize=True)),
        "visual": (transformers.ViTModel(seeing), transformers.ViTImageProcessorPil(size={"height": 32, "width": 32})),
        "text": (transformers.RobertaModel(_reading(transformers, small)), _tokenizer(transformers)),
    }
    for modality, (network, processor) in parts.items():
        network.save_pretrained(root / f"tiny-{modality}")
        processor.save_pretrained(root / f"tiny-{modality}")
    return {modality: root / f"tiny-{modality}" for modality in parts}


def _reading(transformers: Any, small: dict[str, int]) -> Any:
    return transformers.RobertaConfig(
        **small, vocab_size=261, max_position_embeddings=66, pad_token_id=1, bos_token_id=0, eos_token_id=2
    )


def _tokenizer(transformers: Any) -> Any:
    """Every byte is a token."""
    tokenizers = pytest.importorskip("tokenizers")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *letters])}
    inner = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, [], unk_token="<unk>"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), special, strict=True))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, cls_token="<s>", sep_token="</s>", **names)


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
