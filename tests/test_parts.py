"""Parts of a model: their signatures are their options, on every way in, and every fault is told at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml

from crossspace.cli.main import main
from crossspace.configuration import make_configuration, read_configuration
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.layering import merge
from crossspace.models import MODELS
from crossspace.models.css import CSS
from crossspace.nn.encoders import ENCODER, ENCODERS
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.fusion import FUSION, FUSIONS
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.parts import Part, PartSpec, merged, parts_of

TASK = TaskSpec(("a", "b"), {"text": 4, "audio": 3}, 2)
GIVEN = {"width": 4, "modalities": ("text", "audio")}


class Sharpened(Concatenation):
    """An operator that nobody has written down anywhere else.

    Args:
        width: features of each modality.
        modalities: their names.
        out_width: features of the result.
        sharpness: whether it is sharp.
        edges: of what.
    """

    name = "sharpened"

    def __init__(self, width, modalities, out_width, *, sharpness: float = 2.0, edges: list[int] | None = None) -> None:
        super().__init__(width, modalities, out_width)
        self.sharpness, self.edges = sharpness, edges


class Slow(GRUEncoder):
    """An encoder of the same kind.

    Args:
        width: of the rows.
        laziness: how slow.
    """

    name = "slow"

    def __init__(self, width: int, laziness: int = 1) -> None:
        super().__init__(width)
        self.laziness = laziness


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUSIONS.box, "sharpened", Sharpened)
    monkeypatch.setitem(ENCODERS.box, "slow", Slow)


def fusion(*options: str, recipe: str | None = None, file: Path | None = None) -> dict[str, Any]:
    return read_configuration(recipe, file, options).model["fusion"]


def refusal(*options: str, recipe: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        read_configuration(recipe, None, options)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(FUSIONS))
def test_the_options_of_an_operator_are_its_arguments_and_those_of_its_place(name: str) -> None:
    complete = fusion("--model.fusion", name)
    assert set(complete) == {"name", *FUSION.own(name), *FUSION.placed} and complete["name"] == name
    assert set(FUSION.placed) == {"inner_width", "residual", "budget_order", "budget_rank"}
    assert make_configuration({"model": {"name": "css", "fusion": complete}}).model["fusion"] == complete


@pytest.mark.usefixtures("grown")
def test_a_new_operator_and_a_new_encoder_bring_their_own_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--model.fusion.name", "sharpened", "--model.fusion.sharpness", "3", "--model.fusion.edges", "[1, 2]"]
    options += ["--model.encoder.name", "slow", "--model.encoder.laziness", "4"]
    configuration = read_configuration(None, None, [*options, "--model.width", "8", "--model.heads", "2"])
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(configuration.to_dict()))
    assert read_configuration(file=tmp_path / "c.yaml") == configuration
    model = configuration.build_model(TASK)
    assert (model.fusion.sharpness, model.fusion.edges, model.encoder["text"].laziness) == (3.0, [1, 2], 4)
    assert main(["train", "--help", "all", *options]) == 0
    shown = capsys.readouterr().out
    assert "whether it is sharp" in shown and "--model.encoder.laziness" in shown and "fusion.order" not in shown
    assert "'sharpness'" in refusal(*options[:2], "--model.fusion.sharpnes", "3")


@pytest.mark.usefixtures("grown")
@pytest.mark.parametrize(("kind", "words"), [("fusions", "it is sharp (default 2.0)"), ("encoders", "slow")])
def test_list_shows_every_option_with_what_it_is(kind: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", kind]) == 0
    assert words in capsys.readouterr().out


def test_another_operator_drops_what_belongs_to_the_one_before_and_keeps_the_rest() -> None:
    before = read_configuration("css-iemocap-released").model
    after = read_configuration("css-iemocap-released", None, ["--model.fusion.name", "low-rank"]).model
    assert after["fusion"] == {"name": "low-rank", "rank": 16, "inner_width": None, "residual": True} | {
        "budget_order": 3,
        "budget_rank": 16,
    }
    assert {k: v for k, v in after.items() if k != "fusion"} == {k: v for k, v in before.items() if k != "fusion"}
    lstm = read_configuration("css-small", None, ["--model.encoder", "lstm"]).model["encoder"]
    assert lstm == {"name": "lstm", "layers": 1}
    same = fusion("--model.fusion.name", "polynomial", recipe="css-iemocap-released")
    assert same == before["fusion"]


@pytest.mark.parametrize(
    "options",
    [
        ["--model.fusion", "low-rank", "--model.fusion.rank", "8"],
        ["--model.fusion.rank", "8", "--model.fusion", "low-rank"],
        ["--model.fusion.rank=8", "--model.fusion.name=low-rank"],
        ["--model.fusion", "{name: low-rank, rank: 8}"],
    ],
)
def test_a_part_is_written_in_any_order_and_a_plain_name_is_short_for_it(options: list[str]) -> None:
    assert fusion(*options) == ENCODED["low-rank 8"]


ENCODED = {
    "low-rank 8": {
        **{"name": "low-rank", "rank": 8, "inner_width": None, "residual": False},
        **{"budget_order": 3, "budget_rank": 16},
    }
}


def test_a_file_may_state_some_options_over_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("model: {fusion: {rank: 8}, fusion.order: 2, interaction: {gate: scalar}}\n")
    model = read_configuration("css-iemocap-paper", tmp_path / "c.yaml").model
    assert (model["fusion"]["rank"], model["fusion"]["order"], model["interaction"]["gate"]) == (8, 2, "scalar")
    assert model["width"] == 1024


def test_every_fault_of_every_part_is_told_at_once_with_what_was_meant() -> None:
    said = refusal(
        *("--model.fusion.rnak", "8", "--model.fusion.order", "x", "--model.encoder.name", "gruu"),
        *("--model.interaction.gate", "scaler", "--model.corruption.swp", "{}", "--model.losses.use", "null"),
        *("--model.widht", "3", "--balancer.evry", "2", "--training.epochs.x", "1"),
        recipe="css-mosi",
    )
    for words in ("'rank'", "model.fusion.order", "'gruu'", "'gru'", "model.interaction.gate", "'swap'", "'width'"):
        assert words in said
    for words in ("`model.losses.use` has no value", "'every'", "training.epochs.x"):
        assert words in said


def test_an_option_of_another_operator_is_refused_with_whose_it_is() -> None:
    said = refusal("--model.fusion", "concatenation", "--model.fusion.gelu", "tanh")
    assert "'model.fusion.gelu' of the fusion 'concatenation'" in said and "option of 'polynomial'" in said


@pytest.mark.parametrize("value", ["null", "3", "[1]", "plain"])
@pytest.mark.parametrize("part", ["fusion", "interaction"])
def test_what_is_no_part_is_refused(part: str, value: str) -> None:
    assert f"`model.{part}`" in refusal(f"--model.{part}", value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fusion": {"name": "concatenation", "order": 7}}, ["fusion.order", "'polynomial'"]),
        ({"fusion": "polynomal"}, ["'polynomial'"]),
        ({"encoder": {"name": "gru", "layrs": 2}}, ["'layers'"]),
        ({"encoder": {"name": "nix"}, "modality_aware": False}, ["'nix'", "transformer"]),
        ({"interaction": {"gat": "scalar"}, "interaction_aware": False}, ["'gate'"]),
        ({"corruption": {"swop": {}}}, ["'swap'"]),
        ({"losses": ["fused"]}, ["losses", "mapping"]),
    ],
)
def test_python_refuses_what_the_command_line_refuses(arguments: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        CSS(TASK, width=8, heads=2, **arguments)
    assert all(word in str(caught.value) for word in words)


def test_a_model_is_described_by_every_option_of_its_parts() -> None:
    model = CSS(TASK, width=8, heads=2, fusion={"name": "low-rank", "rank": 8}, encoder="gru")
    assert model.arguments["fusion"] == ENCODED["low-rank 8"]
    assert model.arguments["encoder"] == {"name": "gru", "layers": 1}
    described = json.loads(json.dumps(model.arguments))
    assert json.dumps(CSS(TASK, **described).arguments) == json.dumps(model.arguments)
    assert set(described) == set(make_configuration({"model": {"name": "css"}}).model) - {"name"}


def test_the_defaults_of_a_configuration_are_those_of_the_class() -> None:
    from_configuration = make_configuration({"model": {"name": "css"}}).model
    plain = CSS(TASK, width=8, heads=2).arguments
    described = {**json.loads(json.dumps(plain)), "width": 1024, "heads": 8}
    assert described == json.loads(json.dumps({k: v for k, v in from_configuration.items() if k != "name"}))


class Chooser(MODELS["bc-lstm"]):
    """Another model with parts.

    Args:
        task: labels, modalities and speakers.
        width: of all.
        fusion: a fusion operator.
        single: a part with one component.
    """

    name = "chooser"

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 8,
        fusion: Annotated[PartSpec, FUSION] = "concatenation",
        single: Annotated[PartSpec, Part("single", {"": Slow}, given=frozenset({"width"}))] = None,
    ) -> None:
        super().__init__(task, width=width)
        self.fusion = FUSION.build(fusion, width=width, modalities=task.modalities)
        self.single = parts_of(Chooser)["single"].build(single, width=width)


def test_any_model_may_have_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS.box, "chooser", Chooser)
    options = ["--model", "chooser", "--model.fusion.name", "low-rank", "--model.single.laziness", "3"]
    configuration = read_configuration(None, None, options)
    model = configuration.build_model(TASK)
    assert (type(model.fusion).name, model.single.laziness) == ("low-rank", 3)
    assert model.arguments["single"] == {"laziness": 3}
    assert "'laziness'" in refusal(*options[:2], "--model.single.lazines", "3")


def test_what_an_encoder_needs_of_the_model_it_gets_and_no_more() -> None:
    assert type(ENCODER.build("gru", width=4, heads=3, dropout=0.1, causal=True)).name == "gru"
    with pytest.raises(UsageError, match="heads"):
        ENCODER.build({"name": "transformer", "heads": 2}, width=4, heads=2, dropout=0.0, causal=False)


def test_an_option_without_default_has_to_be_given() -> None:
    class Demanding(Concatenation):
        def __init__(self, width, modalities, out_width, *, demand: int) -> None:
            super().__init__(width, modalities, out_width)

    part = Part("fusion", {"demanding": Demanding}, "demanding", frozenset(GIVEN) | {"out_width"})
    with pytest.raises(UsageError, match=r"fusion\.demand"):
        part.build("demanding", **GIVEN, out_width=4)
    assert part.build({"demand": 1}, **GIVEN, out_width=4)


def test_layers_are_laid_over_each_other_part_by_part() -> None:
    layers = [
        {"model": {"name": "css", "width": 8, "fusion": {"name": "polynomial", "order": 2, "residual": True}}},
        {"model": {"fusion": "low-rank"}},
        {"model": {"fusion.rank": 2, "encoder": "gru"}},
    ]
    expected = {"name": "css", "width": 8, "encoder": {"name": "gru"}}
    assert merge(layers)["model"] == {**expected, "fusion": {"residual": True, "name": "low-rank", "rank": 2}}
    assert merge([*layers, {"model": {"name": "sdt", "width": 4}}])["model"] == {"name": "sdt", "width": 4}


@pytest.mark.parametrize("stated", [7, None, "css", [1]])
def test_a_section_that_is_no_mapping_is_refused_whatever_stands_over_it(stated: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"model": stated}))
    for options in ([], ["--model.width", "8"]):
        with pytest.raises(UsageError, match="Section 'model' should be a mapping"):
            read_configuration(file=tmp_path / "a.yaml", options=options)
    assert merged(CSS, {"fusion": {"rank": 4}}, {"fusion": {"order": 2}}) == {"fusion": {"rank": 4, "order": 2}}


@pytest.mark.parametrize(
    "options",
    [
        {"losses": {"use": []}},
        {"losses": {"use": ["fused", "fused"]}},
        {"losses": {"temperature": 0.0}},
        {"losses": {"smoothing": 1.0}},
        {"fusion": {"eps": -1.0}},
        {"fusion": {"order": 10**12}},
        {"fusion": {"name": "polynomial-tensor", "eps": 0.0}},
        {"fusion": {"name": "factorized-bilinear", "eps": -1.0}},
        {"fusion": {"name": "low-rank", "rank": 0}},
        {"fusion": {"gate_init": 1e300}},
        {"fusion": {"budget_rank": -1}},
        {"encoder": {"layers": -1}},
        {"encoder": {"layers": 10**12}},
        {"encoder": {"name": "gru", "layers": 0}},
        {"corruption": {"swap": {"text": 7.0}}},
        {"corruption": {"noise": {"text": -1.0}}},
    ],
)
def test_an_option_of_a_part_outside_of_its_range_is_refused_when_it_is_built(
    task: TaskSpec, options: dict[str, Any]
) -> None:
    option = list(next(iter(options.values())))[-1]
    with pytest.raises(UsageError, match=rf"`.*{option}`.*Found"):
        MODELS["css"](task, width=8, heads=2, **options)


class OfPython310:
    """What Python 3.10 makes of an annotation whose default is None."""

    def __init__(self, fusion: Annotated[PartSpec, FUSION] | None = None, width: int = 3) -> None: ...


def test_a_part_is_found_within_an_optional_annotation() -> None:
    assert parts_of(OfPython310) == {"fusion": FUSION}
