"""A search space is held against the signatures before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossspace.configuration import make_configuration, read_configuration
from crossspace.errors import UsageError
from crossspace.tune.space import Space

optuna = pytest.importorskip("optuna")


def drawn(space: Space, count: int = 12) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.draw(study.ask()) for _ in range(count)]


@pytest.fixture(scope="module")
def space(tiny_tree: dict[str, dict]) -> Space:
    stated = {
        "model.width": {"low": 4, "high": 16, "step": 4},
        "model.dropout": {"low": 0, "high": 1},
        "training.learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
        "training.class_weights": ["none", "balanced", 0.3, [1, 2, 3, 4]],
        "training.clip": [None, 1.0],
        "balancer.name": ["pgm", "fixed"],
        "balancer.every": [1, 2],
    }
    return Space.of(stated, make_configuration(tiny_tree))


def test_every_drawn_configuration_fits_its_signatures_and_survives_yaml(space: Space, tmp_path: Path) -> None:
    import yaml

    for values in drawn(space, 4):
        configuration = space.configuration(values)
        assert configuration.model["width"] in (4, 8, 12, 16) and configuration.model["heads"] == 2
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(configuration.to_dict()))
        assert read_configuration(file=tmp_path / "c.yaml") == configuration


def test_whole_numbers_are_drawn_where_the_signature_takes_no_others(space: Space) -> None:
    assert all(isinstance(v["model.width"], int) and isinstance(v["model.dropout"], float) for v in drawn(space))


def test_an_argument_is_drawn_only_beside_a_component_that_has_it(space: Space) -> None:
    found = drawn(space, 20)
    assert {v["balancer.name"] for v in found} == {"pgm", "fixed"}
    assert all(("balancer.every" in v) == (v["balancer.name"] == "pgm") for v in found)


def test_what_is_not_searched_stays_as_the_base_says(space: Space, tiny_tree: dict[str, dict]) -> None:
    configuration = space.configuration({"training.clip": 1.0})
    assert configuration.training.epochs == tiny_tree["training"]["epochs"] and configuration.training.clip == 1.0
    assert configuration.model == make_configuration(tiny_tree).model


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown argument": ({"model.widht": [8]}, ["model.widht", "'width'"]),
    "unknown section": ({"modl.width": [8]}, ["'modl'", "'model'"]),
    "unknown component": ({"balancer.name": ["pgn"]}, ["'pgn'", "'pgm'"]),
    "no section": ({"width": [8]}, ["model.width", "'width'"]),
    "nothing": ({"model.width": []}, ["model.width", "empty"]),
    "one value": ({"model.width": 8}, ["model.width", "list"]),
    "twice": ({"model.width": [8, 8]}, ["model.width", "more than once"]),
    "wrong type": ({"model.width": [8, "wide"]}, ["model.width", "wide"]),
    "wrong end": ({"training.warmup": {"low": 0.0, "high": 1.0}}, ["warmup"]),
    "a broken step": ({"model.width": {"low": 8, "high": 16, "step": 0.5}}, ["model.width"]),
    "upside down": ({"model.dropout": {"low": 1, "high": 0}}, ["`low`", "at most"]),
    "logarithm of nothing": ({"training.learning_rate": {"low": 0, "high": 1, "log": True}}, ["above 0"]),
    "log and step": ({"model.width": {"low": 8, "high": 16, "log": True, "step": 8}}, ["exclude"]),
    "step beside the end": ({"model.width": {"low": 8, "high": 17, "step": 4}}, ["multiple"]),
    "unknown key": ({"model.width": {"low": 8, "hihg": 16}}, ["'hihg'", "'high'", "missing"]),
    "no number": ({"model.width": {"low": "a", "high": float("inf")}}, ["`low`", "`high`"]),
    "int of fractions": ({"model.dropout": {"low": 0.1, "high": 1, "int": True}}, ["whole"]),
    "the protocol": ({"training.protocol": ["validation"]}, ["always validation"]),
}


def test_all_faults_are_told_at_once(tiny_tree: dict[str, dict]) -> None:
    chosen = ("unknown argument", "upside down", "wrong end", "no section")
    together = {name: values for fault in chosen for name, values in FAULTS[fault][0].items()}
    with pytest.raises(UsageError) as found:
        Space.of(together, make_configuration(tiny_tree))
    for fault in chosen:
        assert all(word in str(found.value) for word in FAULTS[fault][1])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str, tiny_tree: dict[str, dict]) -> None:
    stated, words = FAULTS[fault]
    with pytest.raises(UsageError) as found:
        Space.of(stated, make_configuration(tiny_tree))
    for word in words:
        assert word in str(found.value)


@pytest.mark.parametrize("content", ["", "- 1\n", "a: [1\n"])
def test_a_file_that_is_no_space_is_refused(content: str, tmp_path: Path, tiny_tree: dict[str, dict]) -> None:
    (tmp_path / "s.yaml").write_text(content)
    with pytest.raises(UsageError, match=r"s\.yaml"):
        Space.read(tmp_path / "s.yaml", make_configuration(tiny_tree))
