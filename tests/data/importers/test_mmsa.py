from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.data.importers.mmsa import Mmsa
from crossspace.errors import DataError


def part(video: str, count: int = 4) -> dict[str, Any]:
    random = np.random.default_rng(count)
    text = random.normal(size=(count, 6, 5)).astype(np.float32)
    text[0, 3:] = 0
    text[1] = 0
    return {
        "id": np.array([f"{video}{i % 2}$_${i}" for i in range(count)]),
        "text": text,
        "audio": random.normal(size=(count, 6, 3)),
        "vision": random.normal(size=(count, 2)),
        "raw_text": np.array([f"SAID {i}" for i in range(count)]),
        "annotations": ["Negative", "Positive", "Neutral", "Positive"][:count],
        "classification_labels": np.array([0.0, 2.0, 1.0, 2.0])[:count],
        "regression_labels": np.array([-1.5, 2.0, 0.0, 0.3])[:count],
        "text_bert": np.zeros((count, 3, 6)),
    }


@pytest.fixture
def content() -> dict[str, dict[str, Any]]:
    return {"train": part("a"), "valid": part("b", 3), "test": part("c")}


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    def write(value: Any) -> Path:
        (tmp_path / "mosi.pkl").write_bytes(pickle.dumps(value, 4))
        return tmp_path / "mosi.pkl"

    return write


def test_splits_videos_and_frames_are_read(content: dict, save: Callable[[Any], Path]) -> None:
    corpus = Mmsa(labels=["Negative", "Neutral", "Positive"]).read(save(content))
    assert [len(corpus.split(s)) for s in ("train", "validation", "test")] == [2, 2, 2]
    assert corpus.spec.widths == {"text": 5, "audio": 3, "visual": 2}
    first, second = corpus.split("train")
    assert [(u.id, u.text, u.label) for u in first.utterances] == [
        ("a0$_$0", "SAID 0", "Negative"),
        ("a0$_$2", "SAID 2", "Neutral"),
    ]
    given = content["train"]["text"]
    assert np.allclose(first.utterances[0].features["text"], given[0, :3].mean(axis=0))
    assert np.allclose(first.utterances[1].features["text"], given[2].mean(axis=0))
    assert "text" not in second.utterances[0].features
    assert corpus.source == "mosi.pkl (not read: classification_labels, regression_labels, text_bert)"


def test_numbers_are_named_and_strengths_are_refused(content: dict, save: Callable[[Any], Path]) -> None:
    names = ["neg", "neu", "pos"]
    corpus = Mmsa(label_from="classification_labels", labels=names).read(save(content))
    assert [u.label for u in corpus.split("test")[0].utterances] == ["neg", "neu"]
    with pytest.raises(DataError, match="train, row 0: labels are numbers: name them in their order with --labels"):
        Mmsa(label_from="classification_labels").read(save(content))
    for split in content.values():
        split["labels"] = split["regression_labels"]
    with pytest.raises(DataError, match=r"train, row 0: an integer is expected, found -1.5"):
        Mmsa(label_from="labels", labels=names).read(save(content))
    for split in content.values():
        for name in ("labels", "annotations", "classification_labels"):
            del split[name]
    with pytest.raises(DataError, match="Strengths of sentiment are no classes"):
        Mmsa().read(save(content))


def test_infinite_features_are_refused_or_zero_when_asked(content: dict, save: Callable[[Any], Path]) -> None:
    content["test"]["audio"][0, 0, 0] = -np.inf
    with pytest.raises(DataError, match="audio holds 1 numbers of 3 that are NaN or infinite"):
        Mmsa().read(save(content))
    corpus = Mmsa(infinite_as_zero=True).read(save(content))
    assert corpus.coverage("all")["audio"] == 11


def test_ids_of_the_other_form_are_known_and_others_refused(content: dict, save: Callable[[Any], Path]) -> None:
    content["test"]["id"] = np.array([[f"x[{i}]", "0", "1"] for i in range(4)])
    assert Mmsa().read(save(content)).conversation_ids("test") == ["x"]
    content["test"]["id"] = [1.5, "no number", "a$_$1", "a$_$2"]
    with pytest.raises(DataError, match=r"test, row 0: .*1.5\n.*test, row 1: an id such as"):
        Mmsa().read(save(content))


@pytest.mark.parametrize(
    ("name", "odd"),
    [("text", np.ones((4, 2), complex)), ("audio", "x"), ("annotations", 3), ("raw_text", ["a"]), ("id", None)],
)
def test_entries_of_another_kind_are_named(content: dict, save: Callable[[Any], Path], name: str, odd: Any) -> None:
    content["train"][name] = odd
    with pytest.raises(DataError, match=f"train, {name}: "):
        Mmsa().read(save(content))


def test_other_pickles_and_hostile_ones_are_refused(content: dict, save: Callable[[Any], Path], tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    for other in ({"a": 1}, (1, 2), {**content, "more": 1}):
        with pytest.raises(DataError, match="read by --format sdt"):
            Mmsa().read(save(other))
    content["train"]["meta"] = Hostile()
    with pytest.raises(DataError, match="which is refused"):
        Mmsa().read(save(content))
    assert not (tmp_path / "executed").exists()
