"""What holds for every extractor, whichever file it stands in."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.errors import MismatchError, MissingExtraError, UsageError
from crossspace.features.extractors import DEFAULTS, Extractor, Missing, build, extractors, from_identity
from crossspace.features.extractors.base import SOUND

EVERY = [(modality, name) for modality, found in extractors().items() for name in found]


@pytest.fixture(scope="module", params=EVERY, ids=lambda pair: "-".join(pair))
def extractor(request: pytest.FixtureRequest) -> Extractor:
    """Each extractor as a user builds it, with a tiny network where it needs one."""
    modality, name = request.param
    wanted = name
    if name == "transformers":
        wanted = f"{name}:{request.getfixturevalue('folders')[modality]}"
    elif name == "finetuned":
        wanted = f"{name}:{request.getfixturevalue('tuned_folders')[modality]}"
    elif name == "clips":
        wanted = f"{name}:{request.getfixturevalue('tmp_path_factory').mktemp('kept') / 'clips'}"
    elif name == "onnx":
        wanted = f"{name}:{request.getfixturevalue('onnx_file')}"
    try:
        return build(modality, wanted)
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture
def items(extractor: Extractor, material: dict[str, list[Any]]) -> list[Any]:
    return material[extractor.modality]


def test_the_extractors_are_found_by_looking() -> None:
    assert {("text", "minilm"), ("text", "transformers"), ("audio", "opensmile")} <= set(EVERY)
    assert {("audio", "prosody"), ("audio", "transformers")} <= set(EVERY)
    assert all(kind.modality == modality for modality, found in extractors().items() for kind in found.values())


@pytest.mark.parametrize("modality", [m for m, found in extractors().items() if found])
def test_the_default_of_a_modality_exists(modality: str) -> None:
    assert DEFAULTS[modality] in extractors()[modality]


@pytest.mark.parametrize(("modality", "name"), EVERY)
def test_a_list_can_say_what_it_is_and_what_its_licence_allows(modality: str, name: str) -> None:
    kind = extractors()[modality][name]
    assert (inspect.getdoc(kind) or "").splitlines()[0].endswith(".")
    assert kind.licence
    assert kind.argument is None or kind.argument in inspect.signature(kind).parameters


def test_every_utterance_gives_a_finite_vector_of_the_stated_width(extractor: Extractor, items: list[Any]) -> None:
    found = extractor.extract(items)
    assert len(found) == len(items)
    for vector in found:
        assert isinstance(vector, np.ndarray)
        assert vector.dtype == np.float32
        assert vector.shape == (extractor.width,)
        assert np.isfinite(vector).all()


def test_different_utterances_give_different_vectors(extractor: Extractor, items: list[Any]) -> None:
    first, second = extractor.extract(items[1:3])
    assert not np.allclose(first, second)


def test_the_company_of_an_utterance_changes_nothing(extractor: Extractor, items: list[Any]) -> None:
    together = extractor.extract(items)
    alone = [extractor.extract([item])[0] for item in items]
    backwards = extractor.extract(items[::-1])[::-1]
    for a, b, c in zip(together, alone, backwards, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-5)


def test_nothing_in_gives_nothing_out(extractor: Extractor) -> None:
    assert extractor.extract([]) == []


def test_the_material_is_left_as_it_was(extractor: Extractor, items: list[Any]) -> None:
    before = [np.array(item, copy=True) for item in items if not isinstance(item, str)] or list(items)
    extractor.extract(items)
    for then, now in zip(before, items, strict=True):
        assert np.array_equal(then, now)


def test_what_is_too_little_is_missing_with_a_reason_and_harms_no_other(extractor: Extractor, items: list[Any]) -> None:
    little = {"audio": np.zeros(80, np.float32), "visual": []}.get(extractor.modality)
    if little is None:
        pytest.skip("A text is never empty.")
    nothing, something = extractor.extract([little, items[2]])
    assert isinstance(nothing, Missing)
    assert nothing.reason
    assert isinstance(something, np.ndarray)


def test_its_identity_is_plain_json_without_the_way_to_a_file(extractor: Extractor) -> None:
    identity = extractor.identity
    assert json.loads(json.dumps(identity)) == identity
    assert set(identity) == {"name", "version", "parameters"}
    assert identity["name"] in extractors()[extractor.modality]
    assert identity["version"].startswith(extractor.version)
    assert not any(str(value).startswith("/") for value in identity["parameters"].values())


@pytest.mark.parametrize("name", extractors()["audio"])
def test_what_is_heard_names_how_sound_is_read(name: str) -> None:
    assert extractors()["audio"][name].reading == SOUND


def test_features_of_sound_that_was_read_in_another_way_are_refused() -> None:
    prosody = build("audio", "prosody")
    assert prosody.identity["version"] == f"1, {SOUND}"
    with pytest.raises(MismatchError, match=rf"made by prosody 1\. Here it is prosody 1, {SOUND}"):
        from_identity("audio", {"name": "prosody", "version": "1", "parameters": {}})


def test_it_is_built_again_from_its_identity(
    extractor: Extractor, items: list[Any], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if not extractor.cached:  # a file that states it would have others written
        with pytest.raises(UsageError, match="are addresses of files, and no model reads them"):
            from_identity(extractor.modality, extractor.identity)
        return
    if extractor.name in ("transformers", "onnx"):
        there = request.getfixturevalue("folders" if extractor.name == "transformers" else "onnx_file")
        monkeypatch.chdir(there.parent if isinstance(there, Path) else there[extractor.modality].parent)
    # What was fine-tuned is called by what it was made from, and not by its folder.
    tuned = extractor.name == "finetuned"
    wanted = f"finetuned:{request.getfixturevalue('tuned_folders')[extractor.modality]}" if tuned else None
    again = from_identity(extractor.modality, json.loads(json.dumps(extractor.identity)), wanted)
    assert again.identity == extractor.identity
    for a, b in zip(extractor.extract(items[:2]), again.extract(items[:2]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    if not extractor.identity["parameters"]:
        with pytest.raises(MismatchError, match="numbers may differ"):
            from_identity(extractor.modality, {**extractor.identity, "version": "another"})
