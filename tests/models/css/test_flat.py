"""What earlier releases wrote, with all arguments side by side, is read as it was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from crossspace.configuration import make_configuration, read_configuration
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.experiment import Run
from crossspace.layering import merge
from crossspace.models.base import Model
from crossspace.models.css import CSS, flat
from crossspace.models.saved import CONFIG, WEIGHTS
from crossspace.nn.encoders import ENCODERS
from crossspace.nn.fusion import FUSIONS
from crossspace.studies.plan import plan

TASK = TaskSpec(("a", "b", "c"), {"text": 6, "audio": 5, "visual": 4}, 2)
KEPT = {
    **{"width": 8, "heads": 2, "dropout": 0.1, "standardise": True, "projection_bias": True, "position": False},
    **{"speaker": True, "context": False, "causal": True, "text_bias": "text", "modality_aware": True},
    **{"interaction_aware": True, "branch_gates": True, "unimodal_head": "mlp", "share_speaker": False},
}
"""Arguments that are called as ever, none as it is by default."""
OLD: dict[str, tuple[Any, Any]] = {
    "encoder": ("transformer", "transformer"),
    "encoder_norm": (False, True),
    "layers": (1, 2),
    "input_swap": (None, {"text": 0.3}),
    "input_noise": (None, {"audio": 0.2}),
    "input_dropout": (0.0, 0.4),
    "interaction_gate": ("vector", "scalar"),
    "interaction_project_sources": (False, True),
    "interaction_residual": (False, True),
    "interaction_shared": (False, True),
    "fusion": ("polynomial", "polynomial"),
    "order": (3, 2),
    "rank": (16, 4),
    "fusion_width": (None, 3),
    "fusion_shared": (False, True),
    "fusion_residual": (False, True),
    "fusion_root": ("continuous", "released"),
    "fusion_gelu": ("none", "tanh"),
    "fusion_gate_init": (1.0, 0.5),
    "losses": (["fused", "unimodal", "distillation"], ["fused", "unimodal"]),
    "temperature": (1.0, 4.0),
    "detach_teacher": (True, False),
    "smoothing": (0.0, 0.1),
}
"""Arguments that are in parts now: as they were by default, and another value."""
WHOLE = {**KEPT, **{name: usual for name, (usual, _) in OLD.items()}}
CHANGED = {**KEPT, **{name: other for name, (_, other) in OLD.items()}}


def at(arguments: dict[str, Any], dotted: str) -> Any:
    part, _, option = dotted.partition(".")
    return arguments[part][option]


def test_every_argument_of_earlier_releases_is_known() -> None:
    assert flat.MOVED.keys() == OLD.keys()
    assert len(WHOLE) == 38
    today = set(CSS(TASK, width=8, heads=2).arguments)
    assert today == set(KEPT) | {to.partition(".")[0] for to in flat.MOVED.values()}


@pytest.mark.parametrize("name", sorted(OLD))
def test_each_old_argument_alone_arrives_where_it_is_now(name: str) -> None:
    other = OLD[name][1]
    made = make_configuration({"model": {"name": "css", name: other}})
    assert at(made.model, flat.MOVED[name]) == other
    usual = make_configuration({"model": {"name": "css"}}).model
    differing = [key for key in usual if usual[key] != made.model[key]]
    assert differing == ([] if OLD[name][0] == other else [flat.MOVED[name].partition(".")[0]])


@pytest.mark.parametrize("arguments", [WHOLE, CHANGED], ids=["usual", "changed"])
def test_a_whole_configuration_keeps_every_value(arguments: dict[str, Any]) -> None:
    model = make_configuration({"model": {"name": "css", **arguments}}).model
    assert {name: model[name] for name in KEPT} == KEPT
    assert {name: at(model, flat.MOVED[name]) for name in OLD} == {name: arguments[name] for name in OLD}


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
@pytest.mark.parametrize("fusion", sorted(FUSIONS))
def test_a_whole_configuration_loses_only_what_the_chosen_component_never_looked_at(fusion: str, encoder: str) -> None:
    model = make_configuration({"model": {"name": "css", **CHANGED, "fusion": fusion, "encoder": encoder}}).model
    for name, to in flat.MOVED.items():
        part, _, option = to.partition(".")
        if option in model[part] and option != "name":
            assert model[part][option] == CHANGED[name], "what the component has keeps its value"
    assert (model["fusion"]["name"], model["encoder"]["name"]) == (fusion, encoder)


def test_an_old_budget_is_that_of_the_old_order_and_rank() -> None:
    stated = {"fusion": "low-rank", "fusion_width": "budget"}
    made = make_configuration({"model": {"name": "css", **WHOLE, **stated, "order": 2, "rank": 8}}).model["fusion"]
    assert (made["rank"], made["budget_order"], made["budget_rank"]) == (8, 2, 8)
    over_a_recipe = merge([{"model": {"name": "css", "order": 4, "rank": 64}}, {"model": stated}])["model"]["fusion"]
    assert (over_a_recipe["budget_order"], over_a_recipe["budget_rank"]) == (4, 64)


def test_layers_of_both_forms_go_together() -> None:
    layers = [{"model": {"name": "css", "order": 4, "encoder_norm": True}}, {"model": {"fusion": {"rank": 2}}}]
    merged = merge([*layers, {"model": {"fusion_gelu": "tanh", "encoder": "gru"}}])["model"]
    assert merged["fusion"] == {"order": 4, "rank": 2, "gelu": "tanh"} and merged["encoder"] == {"name": "gru"}


@pytest.mark.parametrize(
    ("arguments", "old", "new"),
    [
        ({"fusion": {"name": "low-rank"}, "rank": 8}, "rank", "fusion.rank"),
        ({"fusion.name": "low-rank", "fusion_residual": True}, "fusion_residual", "fusion.residual"),
        ({"encoder": {"name": "gru"}, "layers": 2}, "layers", "encoder.layers"),
        ({"losses": {"use": ["fused"]}, "temperature": 2.0}, "temperature", "losses.temperature"),
    ],
)
def test_old_names_beside_the_new_form_of_the_same_part_are_refused(
    arguments: dict[str, Any], old: str, new: str
) -> None:
    with pytest.raises(UsageError, match=rf"'model\.{old}'. It is 'model\.{new}' now"):
        make_configuration({"model": {"name": "css", **arguments}})


def test_what_somebody_wrote_for_an_operator_that_has_no_such_option_is_refused() -> None:
    with pytest.raises(UsageError, match=r"fusion\.order.*'concatenation'"):
        make_configuration({"model": {"name": "css", "fusion": "concatenation", "order": 7}})


def test_the_command_line_names_every_new_name() -> None:
    old = {name: other for name, (_, other) in OLD.items() if name not in ("encoder", "fusion")}
    options = [word for name, value in old.items() for word in (f"--model.{name}", json.dumps(value))]
    with pytest.raises(UsageError) as caught:
        read_configuration("css-mosi", None, options)
    assert [name for name in old if f"'model.{flat.MOVED[name]}'" not in str(caught.value)] == []


def test_a_model_that_was_saved_with_old_arguments_loads_with_the_same_weights_and_outputs(
    tmp_path: Path, make_batch: Any
) -> None:
    torch.manual_seed(0)
    chosen = {**CHANGED, "fusion_width": None, "fusion": "low-rank"}
    model = CSS(TASK, **CSS.translated(chosen)).eval()
    (tmp_path / CONFIG).write_text(
        json.dumps({"format": 1, "model": "css", "spec": TASK.to_dict(), "arguments": chosen, "details": {}})
    )
    from safetensors.torch import save_file

    save_file(model.state_dict(), tmp_path / WEIGHTS)
    loaded = Model.from_pretrained(tmp_path)
    batch = make_batch(TASK, (4, 2), missing=0.3)
    assert torch.equal(loaded(batch).logits, model(batch).logits)
    assert loaded.arguments == model.arguments
    loaded.save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / CONFIG).read_text())["arguments"]["fusion"]["name"] == "low-rank"


OLD_TINY = {
    **{"name": "css", "width": 8, "heads": 2, "dropout": 0.2, "standardise": True},
    **{"order": 2, "rank": 4, "encoder": "gru", "input_swap": {"text": 0.1}},
}


def test_a_run_folder_of_an_earlier_release_is_gone_on_with_and_repeated(tmp_path: Path, tiny_corpus: Corpus) -> None:
    training = {"epochs": 1, "batch_size": 8}
    configuration = make_configuration({"model": OLD_TINY, "training": training})
    run = Run(configuration, tiny_corpus, "corpus.parquet", tmp_path / "run")
    run.claim()
    stated = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    old = {**WHOLE, "text_bias": None, "context": True, "causal": False, **OLD_TINY}
    old |= {k: stated["model"][k] for k in KEPT}
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump({**stated, "model": old}))
    run.claim(resume=True)
    assert read_configuration(file=tmp_path / "run" / "config.yaml").model == configuration.model
    changed = make_configuration({"model": {**OLD_TINY, "rank": 5}, "training": training})
    with pytest.raises(UsageError, match=r"model\.fusion\.rank: 4 in the folder, 5 now"):
        Run(changed, tiny_corpus, "corpus.parquet", tmp_path / "run").claim(resume=True)


def test_a_study_that_somebody_wrote_earlier_is_planned_as_it_was(tiny_corpus: Corpus) -> None:
    content = {
        "base": {"model": {**OLD_TINY, "fusion_residual": True}},
        "variants": {
            "full": {},
            "bare": {"model": {"fusion": "concatenation", "fusion_residual": False}},
            "two": {"model": {"losses": ["fused", "distillation"], "interaction_gate": "scalar"}},
        },
        "grid": {"model.order": [1, 4]},
    }
    made = {v.name: v.configuration.model for v in plan(content, tiny_corpus, name="s").variants}
    assert list(made) == ["full", "bare", "two", "order-1", "order-4"]
    assert [made[f"order-{p}"]["fusion"]["order"] for p in (1, 4)] == [1, 4]
    assert made["bare"]["fusion"]["name"] == "concatenation" and made["bare"]["fusion"]["residual"] is False
    assert made["two"]["losses"]["use"] == ["fused", "distillation"] and made["two"]["fusion"]["residual"] is True
