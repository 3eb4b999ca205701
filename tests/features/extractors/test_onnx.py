from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.errors import DataError, UsageError
from crossspace.features.extractors import Missing, build, from_identity

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("cv2")

make = onnx.helper
FLOAT, WHOLE = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8
RED = np.broadcast_to(np.array([200, 100, 50], np.uint8), (112, 112, 3)).copy()
"""One colour: its mean is known whatever the resizing."""


def network(
    path: Path, shape: list[Any], *, axes: tuple[int, ...] = (2, 3), kind: int = FLOAT, power: bool = False
) -> str:
    """A network that answers with the mean over ``axes``, and as a second output with the pictures themselves."""
    given = make.make_tensor_value_info("pixels", kind, shape)
    wanted = [make.make_tensor_value_info(name, FLOAT, None) for name in ("mean", "all")]
    nodes = [make.make_node("Cast", ["pixels"], ["cast"], to=FLOAT)]
    nodes += [make.make_node("Log" if power else "Identity", ["cast"], ["all"])]
    nodes += [make.make_node("ReduceMean", ["all"], ["mean"], axes=list(axes), keepdims=0)]
    graph = make.make_graph(nodes, "mean", [given], wanted)
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8), path)
    return f"onnx:{path}"


def values(wanted: str, *crops: np.ndarray) -> np.ndarray:
    return build("visual", wanted).extract([crops or (RED,)])[0]


@pytest.mark.parametrize("batch", ["N", 1, 4, None])
@pytest.mark.parametrize("size", [16, 224])
def test_colours_reach_a_network_of_channels_first(tmp_path: Path, batch: Any, size: int) -> None:
    wanted = network(tmp_path / "a.onnx", [batch, 3, size, size])
    np.testing.assert_allclose(values(wanted), np.array([200, 100, 50]) / 255, rtol=1e-4)
    np.testing.assert_allclose(values(wanted + ",scale=0-255"), [200, 100, 50], rtol=1e-4)
    imagenet = (np.array([200, 100, 50]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(values(wanted + ",scale=imagenet"), imagenet, rtol=1e-4)


def test_colours_reach_a_network_of_channels_last(tmp_path: Path) -> None:
    wanted = network(tmp_path / "a.onnx", ["N", 20, 30, 3], axes=(1, 2))
    np.testing.assert_allclose(values(wanted), np.array([200, 100, 50]) / 255, rtol=1e-4)


def test_grey_is_made_where_one_channel_is_read(tmp_path: Path) -> None:
    found = values(network(tmp_path / "a.onnx", ["N", 1, 64, 64]) + ",scale=0-255")
    np.testing.assert_allclose(found, [0.299 * 200 + 0.587 * 100 + 0.114 * 50], atol=0.5)


def test_whole_numbers_reach_a_network_that_reads_them(tmp_path: Path) -> None:
    wanted = network(tmp_path / "a.onnx", ["N", 3, 16, 16], kind=WHOLE)
    np.testing.assert_allclose(values(wanted + ",scale=0-255"), [200, 100, 50])
    with pytest.raises(UsageError, match="should be 0-255"):
        build("visual", wanted)


def test_another_output_is_flattened(tmp_path: Path) -> None:
    wanted = network(tmp_path / "a.onnx", ["N", 3, 4, 5])
    assert build("visual", wanted + ",output=all").width == 60
    with pytest.raises(UsageError, match=r"has no output 'logits'\. It has: mean, all"):
        build("visual", wanted + ",output=logits")


def test_a_free_size_must_be_given_and_a_fixed_one_agree(tmp_path: Path) -> None:
    free = network(tmp_path / "free.onnx", ["N", 3, "H", "W"])
    with pytest.raises(UsageError, match="onnx:FILE,size=224"):
        build("visual", free)
    assert build("visual", free + ",size=8,output=all").width == 3 * 64
    with pytest.raises(UsageError, match="pictures of side 16, so 'size' cannot be 8"):
        build("visual", network(tmp_path / "fixed.onnx", ["N", 3, 16, 16]) + ",size=8")


@pytest.mark.parametrize("batch", ["N", 4])
def test_frames_are_averaged_and_the_company_changes_nothing(tmp_path: Path, batch: Any) -> None:
    extractor = build("visual", network(tmp_path / "a.onnx", [batch, 3, 16, 16]))
    random = np.random.default_rng(0)
    faces = [[random.integers(0, 256, (112, 112, 3), dtype=np.uint8) for _ in range(n)] for n in (1, 5, 40)]
    together = extractor.extract([*faces, []])
    assert together[3] == Missing("no face found")
    for face, vector in zip(faces, together, strict=False):
        assert vector.dtype == np.float32
        np.testing.assert_allclose(extractor.extract([face])[0], vector, rtol=1e-6)
        frames = extractor.extract([[crop] for crop in face])
        np.testing.assert_allclose(np.mean(frames, axis=0), vector, rtol=1e-5)


def test_the_file_is_recorded_by_name_and_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = network(tmp_path / "mean.onnx", ["N", 3, 16, 16])
    identity = build("visual", wanted).identity
    assert identity["version"] == "sha256:" + hashlib.sha256((tmp_path / "mean.onnx").read_bytes()).hexdigest()[:16]
    assert identity["parameters"] == {"model": "mean.onnx", "scale": "0-1"}
    monkeypatch.chdir(tmp_path)
    assert from_identity("visual", identity).identity == identity
    (tmp_path / "mean.onnx").unlink()
    with pytest.raises(DataError, match="--visual onnx:"):
        from_identity("visual", identity)


def test_what_is_no_network_of_one_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(DataError, match="should be an ONNX network"):
        build("visual", f"onnx:{tmp_path / 'text.onnx'}")
    with pytest.raises(DataError, match="can be read"):
        build("visual", f"onnx:{tmp_path / 'absent.onnx'}")
    for shape in ([1, 80], ["N", 7, 16, 16], ["N", "C", 16, 16], [1, 3, 8, 16, 16]):
        with pytest.raises(DataError, match="should be pictures"):
            build("visual", network(tmp_path / "a.onnx", shape, axes=(1,)))
    with pytest.raises(UsageError, match="reads grey"):
        build("visual", network(tmp_path / "a.onnx", ["N", 1, 16, 16]) + ",scale=imagenet")
    with pytest.raises(UsageError, match="'scale' of onnx should be one of"):
        build("visual", network(tmp_path / "a.onnx", ["N", 3, 16, 16]) + ",scale=0-2")


def test_two_inputs_are_refused_by_name(tmp_path: Path) -> None:
    given = [make.make_tensor_value_info(name, FLOAT, ["N", 3, 16, 16]) for name in ("left", "right")]
    wanted = make.make_tensor_value_info("sum", FLOAT, None)
    graph = make.make_graph([make.make_node("Add", ["left", "right"], ["sum"])], "add", given, [wanted])
    path = tmp_path / "add.onnx"
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(DataError, match=r"one input, a picture\. Found 2: left, right"):
        build("visual", f"onnx:{path}")


def test_numbers_that_are_not_finite_are_an_error(tmp_path: Path) -> None:
    extractor = build("visual", network(tmp_path / "log.onnx", ["N", 3, 16, 16], power=True))
    assert np.isfinite(extractor.extract([[RED]])[0]).all()
    with pytest.raises(DataError, match="should answer with finite numbers"):
        extractor.extract([[np.zeros_like(RED)]])
