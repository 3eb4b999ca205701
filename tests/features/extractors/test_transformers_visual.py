from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crossspace.errors import DataError, UsageError
from crossspace.features.extractors import Missing, build

transformers = pytest.importorskip("transformers")
pytest.importorskip("PIL")

SMALL: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
PREPARATION = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.3, 0.4],
}


def saved(folder: Path, network: Any, **preparation: Any) -> Path:
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPARATION | preparation))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = transformers.ViTModel(transformers.ViTConfig(**SMALL, image_size=32, patch_size=8))
    return saved(tmp_path_factory.mktemp("networks") / "tiny", network)


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(20)]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_vision_transformer_answers_as_it_does_when_prepared_by_hand(
    folder: Path, crops: list[np.ndarray], pooling: str
) -> None:
    network = transformers.ViTModel.from_pretrained(folder).eval()
    pixels = (np.stack(crops) / 255 - PREPARATION["image_mean"]) / PREPARATION["image_std"]
    with torch.no_grad():
        states = network(torch.tensor(pixels, dtype=torch.float32).permute(0, 3, 1, 2)).last_hidden_state
    expected = states[:, 0] if pooling == "cls" else states.mean(1)
    extractor = build("visual", f"transformers:{folder},pooling={pooling}")
    assert extractor.width == 16
    np.testing.assert_allclose(extractor.extract([crops])[0], expected.mean(0), atol=1e-5)


def test_the_company_changes_nothing_and_no_face_is_missing(folder: Path, crops: list[np.ndarray]) -> None:
    extractor = build("visual", f"transformers:{folder}")
    nothing, one, many = extractor.extract([[], crops[:1], crops])
    assert nothing == Missing("no face found")
    np.testing.assert_allclose(one, extractor.extract([crops[:1]])[0], atol=1e-6)
    np.testing.assert_allclose(many, extractor.extract([crops])[0], atol=1e-6)


def test_the_identity_names_the_folder_and_the_weights(folder: Path) -> None:
    identity = build("visual", f"transformers:{folder}").identity
    assert identity["parameters"] == {"model": "tiny", "pooling": "cls"}
    assert identity["version"].startswith("sha256:")


def test_a_convolutional_network_has_no_class_token(tmp_path: Path, crops: list[np.ndarray]) -> None:
    shape = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
    folder = saved(tmp_path / "resnet", transformers.ResNetModel(shape))
    extractor = build("visual", f"transformers:{folder},pooling=mean")
    assert extractor.extract([crops])[0].shape == (12,) == (extractor.width,)
    with pytest.raises(UsageError, match=r"no class token\. Use pooling=mean"):
        build("visual", f"transformers:{folder}")


def test_of_a_network_of_pictures_and_text_the_part_that_sees_is_used(tmp_path: Path, crops: list[np.ndarray]) -> None:
    sees = {**SMALL, "image_size": 32, "patch_size": 8}
    shape = transformers.CLIPConfig(
        text_config={**SMALL, "vocab_size": 20, "bos_token_id": 0, "eos_token_id": 1},
        vision_config=sees,
        projection_dim=8,
    )
    folder = saved(
        tmp_path / "clip",
        transformers.CLIPModel(shape),
        image_processor_type="CLIPImageProcessor",
        do_center_crop=False,
    )
    assert build("visual", f"transformers:{folder}").extract([crops])[0].shape == (16,)


def test_a_network_that_reads_something_else_is_refused(tmp_path: Path) -> None:
    shape = transformers.BertConfig(**SMALL, vocab_size=20)
    with pytest.raises(DataError, match="should be a network that encodes pictures"):
        build("visual", f"transformers:{saved(tmp_path / 'bert', transformers.BertModel(shape))}")


def test_another_pooling_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"should be cls or mean\. Found 'max'"):
        build("visual", f"transformers:{folder},pooling=max")
