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


@pytest.fixture(scope="module")
def parted(tiny_tree: dict[str, dict]) -> Space:
    stated = {
        "model.name": ["css", "sdt"],
        "model.fusion.name": ["polynomial", "low-rank", "concatenation"],
        "model.fusion.order": [2, 3],
        "model.fusion.rank": {"low": 2, "high": 8},
        "model.fusion.inner_width": [None, "budget", 3],
        "model.encoder": ["gru", "transformer"],
        "model.encoder.first_norm": [True, False],
    }
    return Space.of(stated, make_configuration(tiny_tree))


def test_an_option_of_a_part_is_drawn_only_beside_a_component_that_has_it(parted: Space) -> None:
    found = drawn(parted, 60)
    css = [values for values in found if values["model.name"] == "css"]
    assert {values["model.fusion.name"] for values in css} == {"polynomial", "low-rank", "concatenation"}
    for values in css:
        name, encoder = values["model.fusion.name"], values["model.encoder.name"]
        assert ("model.fusion.order" in values) == (name == "polynomial")
        assert ("model.fusion.rank" in values) == (name != "concatenation")
        assert ("model.encoder.first_norm" in values) == (encoder == "transformer")
        assert "model.fusion.inner_width" in values
    assert all(set(values) == {"model.name"} for values in found if values["model.name"] == "sdt")


def test_a_drawn_part_lies_over_that_of_the_base(parted: Space, tiny_tree: dict[str, dict]) -> None:
    base = make_configuration(tiny_tree).model["fusion"]
    over = parted.configuration({"model.fusion.order": 3}).model["fusion"]
    assert over == {**base, "order": 3}
    other = parted.configuration({"model.fusion.name": "low-rank", "model.fusion.rank": 2}).model["fusion"]
    assert (other["name"], other["rank"], "order" in other) == ("low-rank", 2, False)
    for values in drawn(parted, 6):
        configuration = parted.configuration(values)
        chosen = {key: value for key, value in values.items() if key.startswith("model.fusion.")}
        assert all(configuration.model["fusion"][key.rpartition(".")[2]] == value for key, value in chosen.items())


def test_a_space_of_an_earlier_release_is_drawn_under_the_names_of_today(tiny_tree: dict[str, dict]) -> None:
    space = Space.of({"model.rank": [2, 4], "model.encoder": ["gru", "lstm"]}, make_configuration(tiny_tree))
    assert set(space.arguments) == {"model.fusion.rank", "model.encoder.name"}
    assert space.configuration({"model.rank": 2}).model["fusion"]["rank"] == 2, "as a trial of that release has it"


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown argument": ({"model.widht": [8]}, ["model.widht", "'width'"]),
    "unknown section": ({"modl.width": [8]}, ["'modl'", "'model'"]),
    "unknown component": ({"balancer.name": ["pgn"]}, ["'pgn'", "'pgm'"]),
    "unknown option": ({"model.fusion.rnak": [8]}, ["model.fusion.rnak", "'rank'"]),
    "option of another": ({"model.fusion.factors": [8]}, ["model.fusion.factors", "'factorized-bilinear'"]),
    "unknown part": ({"model.fusion.name": ["polynomal"]}, ["'polynomal'", "'polynomial'"]),
    "wrong type in a part": ({"model.fusion.rank": [8, "high"]}, ["model.fusion.rank", "high"]),
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
    chosen = ("unknown argument", "unknown option", "unknown part", "upside down", "wrong end", "no section")
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
