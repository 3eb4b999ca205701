"""Studies are checked whole before anything runs: what ships can be planned, and every fault is named at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.importers.synthetic import Synthetic
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.studies.plan import plan
from crossspace.studies.published import published_tables
from crossspace.studies.settings import choose_settings
from crossspace.studies.shipped import read_study, study_names, study_path, study_summary
from crossspace.studies.study import BEST_ON_TEST, Conditions

SHIPPED = study_names()
SMALL = {"model": {"width": 8, "heads": 2, "fusion": {"rank": 4}}}
TABLE_3 = {
    "full": ((75.42, 75.66), (68.47, 67.41)),
    "without-spf": ((74.86, 75.15), (67.85, 66.79)),
    "without-specific-projection": ((74.37, 74.46), (67.13, 65.79)),
    "without-pgm": ((74.61, 74.66), (67.20, 65.74)),
    "without-mae": ((73.57, 73.54), (66.97, 65.95)),
    "without-iae": ((70.98, 71.07), (67.01, 65.66)),
    "without-l2": ((74.18, 74.30), (67.93, 66.79)),
    "without-l3": ((72.64, 72.76), (66.82, 66.70)),
}
TABLE_4 = {
    "T+A+V": ((75.42, 75.66), (68.47, 67.41)),
    "A+V": ((61.43, 61.34), (49.46, 39.13)),
    "T+V": ((68.21, 68.59), (66.82, 65.77)),
    "T+A": ((68.21, 68.57), (66.67, 65.51)),
    "T": ((66.05, 66.09), (66.28, 65.36)),
    "A": ((61.74, 62.39), (49.00, 36.50)),
    "V": ((42.64, 43.21), (48.12, 31.28)),
}


def faults_of(content: dict[str, Any], corpus: Corpus, **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        plan(content, corpus, name="own", **options)
    return str(caught.value)


def test_all_shipped_studies_are_found() -> None:
    assert len(SHIPPED) >= 9
    assert {"css-components", "css-modalities", "css-order-rank", "css-stability", "css-variants"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_study_can_be_planned_and_its_variants_all_differ(name: str, tiny_corpus: Corpus) -> None:
    assert study_summary(name).endswith(".")
    content = read_study(name)
    study = plan(content, tiny_corpus, name=name, about=study_summary(name), changes={"training": {"epochs": 1}})
    assert study.settings == ("meld" if name == "text-context" else "synthetic")
    names = [v.name for v in study.variants]
    assert study.reference in names and len(set(names)) == len(names)
    assert len(names) + len(study.left_out) >= len(content.get("variants", {}))
    assert all(v.about and v.configuration.training.epochs == 1 for v in study.variants)
    assert study.reference == content.get("reference", names[0])
    seen = [v.configuration.to_dict() for v in study.variants]
    assert all(one not in seen[:i] for i, one in enumerate(seen))


@pytest.mark.parametrize(
    ("name", "table"), [("css-components", TABLE_3), ("css-modalities", TABLE_4)], ids=["table 3", "table 4"]
)
@pytest.mark.parametrize(("settings", "place"), [("iemocap", 0), ("meld", 1)])
def test_published_figures_are_those_of_the_paper(
    name: str, table: dict[str, Any], settings: str, place: int, tiny_corpus: Corpus
) -> None:
    study = plan(read_study(name), labelled_as(settings, tiny_corpus), name=name, settings=settings)
    assert {v.name: v.published for v in study.variants} == {k: pair[place] for k, pair in table.items()}


def labelled_as(settings: str, corpus: Corpus) -> Corpus:
    """A corpus with the labels of a published one, of which four occur."""
    labels = published_tables()[settings].labels
    named = dict(zip(corpus.spec.labels, labels, strict=False))
    conversations = {
        split: [
            Conversation(c.id, [replace(u, label=named[u.label]) for u in c.utterances]) for c in corpus.split(split)
        ]
        for split in corpus.splits
    }
    return Corpus(conversations, replace(corpus.spec, labels=labels))


def test_figures_of_one_corpus_do_not_stand_beside_scores_of_another(tiny_corpus: Corpus) -> None:
    other_labels = {"training": {"class_weights": "none"}}  # recipes weigh the labels of their own corpora
    content = read_study("css-components")
    study = plan(content, tiny_corpus, name="components", settings="iemocap", changes=other_labels)
    assert not any(v.published for v in study.variants)
    study = plan(read_study("comparison"), labelled_as("meld", tiny_corpus), name="comparison", settings="meld")
    assert study.variant("cfn-esa").published == (67.43, 66.15)
    # Its recipe takes the text as it is, which here has another width: no reason to refuse the others.
    assert {v.name for v in study.variants if v.unusable} == {"m3net"}


@pytest.mark.parametrize(
    ("widths", "rows", "expected"),
    [
        ({"text": 1024, "audio": 1582, "visual": 342}, 1200, "iemocap"),
        ({"text": 1024, "audio": 300, "visual": 342}, 1200, "meld"),
        ({"text": 1024, "audio": 300}, 1200, "meld"),
        ({"text": 100, "audio": 73, "visual": 100}, 1200, "mosi"),
        ({"text": 384, "audio": 52}, 1200, "small"),
        ({"text": 1024, "audio": 1582, "visual": 342}, 40, "small"),
    ],
)
def test_settings_follow_widths_and_size_and_not_the_name(widths: dict[str, int], rows: int, expected: str) -> None:
    members = [
        Conversation(f"c{i}", tuple(Utterance(f"{i}_{j}", "s", label="a") for j in range(20)))
        for i in range(rows // 20)
    ]
    corpus = Corpus({"train": members}, TaskSpec(("a", "b"), widths, 2), name="My IEMOCAP copy")
    chosen, why = choose_settings(["iemocap", "meld", "mosi", "synthetic", "small"], corpus)
    assert chosen == expected and why
    assert choose_settings(["tv", "radio"], corpus) == ("tv", choose_settings(["tv", "radio"], corpus)[1])
    assert choose_settings([], corpus) == (None, "")


def test_settings_are_chosen_or_those_of_a_generated_corpus_or_the_first(tiny_corpus: Corpus) -> None:
    content = {
        "base": {"recipe": {"meld": "css-meld-paper", "synthetic": "css-synthetic"}},
        "variants": {"a": {}, "b": {"recipe": {"meld": "css-meld-released"}}},
        "reference": "b",
    }
    found = plan(content, tiny_corpus, name="s")
    assert (found.settings, found.left_out, found.reference) == ("synthetic", ("b",), "a")
    assert found.variants[0].configuration.recipe == "css-synthetic"
    chosen = plan(content, tiny_corpus, name="s", settings="meld")
    assert [v.configuration.recipe for v in chosen.variants] == ["css-meld-paper", "css-meld-released"]
    content["base"]["recipe"] = {"meld": "css-meld-paper"}
    assert plan(content, tiny_corpus, name="s").settings == "meld"
    assert plan({"variants": {"a": {}}}, tiny_corpus, name="s").settings is None


def test_a_variant_wins_over_changes_for_all_and_these_over_the_base(tiny_corpus: Corpus) -> None:
    content = {
        "base": {**SMALL, "training": {"epochs": 9, "batch_size": 3}},
        "variants": {"a": {}, "b": {"training": {"epochs": 4}}},
    }
    study = plan(content, tiny_corpus, name="s", changes={"training": {"epochs": 2}})
    assert [v.configuration.training.epochs for v in study.variants] == [2, 4]
    assert {v.configuration.training.batch_size for v in study.variants} == {3}


def test_every_variant_has_a_twin_when_asked_for(tiny_corpus: Corpus) -> None:
    content = {"base": SMALL, "variants": {"a": {"published": [1.0, 2.0]}, "b": {}}}
    study = plan(content, tiny_corpus, name="s", best_on_test=True)
    assert [v.name for v in study.variants] == ["a", "a--best-on-test", "b", "b--best-on-test"]
    for one in ("a", "b"):
        own, twin = (study.variant(name).configuration.to_dict() for name in (one, f"{one}--{BEST_ON_TEST}"))
        assert study.variant(f"{one}--{BEST_ON_TEST}").twin_of == one
        assert (own["training"].pop("protocol"), twin["training"].pop("protocol")) == ("validation", BEST_ON_TEST)
        assert own == twin
    assert study.variant("a--best-on-test").published == (1.0, 2.0)


def test_a_grid_names_its_points(tiny_corpus: Corpus) -> None:
    content = {
        "base": SMALL,
        "grid": {"model.fusion.rank": [4, 8], "training.learning_rate": [0.1, 0.01]},
        "reference": "rank-8-learning-rate-0.01",
    }
    study = plan(content, tiny_corpus, name="s")
    names = [v.name for v in study.variants]
    assert names == [f"rank-{rank}-learning-rate-{rate}" for rank in (4, 8) for rate in (0.1, 0.01)]
    last = study.variants[-1]
    assert (
        last.point == {"model.fusion.rank": 8, "training.learning_rate": 0.01}
        and last.about == "rank 8, learning_rate 0.01"
    )
    assert (last.configuration.model["fusion"]["rank"], last.configuration.training.learning_rate) == (8, 0.01)
    assert dict(study.grid) == content["grid"]


def test_a_grid_over_parts_names_its_points_by_the_shortest_words_that_tell_them_apart(tiny_corpus: Corpus) -> None:
    grid = {"model.fusion.residual": [True], "model.interaction.residual": [False], "model.fusion.order": [1, 2]}
    study = plan({"base": SMALL, "grid": grid}, tiny_corpus, name="s")
    names = [f"fusion.residual-True-interaction.residual-False-order-{p}" for p in (1, 2)]
    assert [v.name for v in study.variants] == names
    assert study.variants[1].configuration.model["fusion"]["order"] == 2


def test_values_may_hold_under_some_settings_only(tiny_corpus: Corpus) -> None:
    content = {
        "base": {
            "recipe": {"synthetic": "css-synthetic", "small": "css-small"},
            "by_settings": {"small": {"model": {"fusion": {"budget_rank": 32}}}},
        },
        "variants": {"a": {"model": {"fusion": "low-rank"}, "by_settings": {"small": {"model": {"fusion.rank": 2}}}}},
    }
    found = [
        plan(content, tiny_corpus, name="s", settings=settings).variants[0].configuration.model["fusion"]
        for settings in ("small", "synthetic")
    ]
    assert [(f["rank"], f["budget_rank"]) for f in found] == [(2, 32), (16, 16)]
    content["variants"]["a"]["by_settings"] = {"smal": {"modle": {}}}
    said = faults_of(content, tiny_corpus)
    assert "'small'" in said and "'modle'" in said


def test_the_sizes_of_the_fusion_study_follow_the_polynomial_fusion_of_each_recipe(tiny_corpus: Corpus) -> None:
    content = read_study("fusions")
    for settings, recipe in content["base"]["recipe"].items():
        study = plan(content, tiny_corpus, name="f", settings=settings, changes={"training": {"class_weights": "none"}})
        fusions = {v.name: v.configuration.model["fusion"] for v in study.variants}
        spf = fusions["spf"]
        for name, fusion in fusions.items():
            assert (fusion["budget_order"], fusion["budget_rank"]) == (spf["order"], spf["rank"]), (name, recipe)
            for option in {"order", "rank"} & set(fusion):
                assert fusion[option] == spf[option], (name, option, recipe)


def test_an_empty_list_of_variants_beside_a_grid_is_no_fault(tiny_corpus: Corpus) -> None:
    study = plan(
        {"base": SMALL, "variants": None, "grid": {"model.fusion.rank": [4]}, "report": None}, tiny_corpus, name="s"
    )
    assert [v.name for v in study.variants] == ["rank-4"]


def test_conditions_name_a_variant_and_rates(tiny_corpus: Corpus) -> None:
    content = {"base": SMALL, "variants": {"a": {}}, "conditions": {"of": "a", "rates": [0.5, 1]}}
    assert plan(content, tiny_corpus, name="s").conditions == Conditions("a", (0.5, 1.0))


def test_names_that_yaml_reads_as_numbers_are_names(tiny_corpus: Corpus) -> None:
    content = {"base": SMALL, "variants": {1: {}, 2: {}}, "reference": 2, "conditions": {"of": 1, "rates": [0.5]}}
    study = plan(content, tiny_corpus, name="s")
    assert (study.reference, study.conditions.of) == ("2", "1")


def test_every_fault_of_a_study_is_named_at_once(tiny_corpus: Corpus) -> None:
    content = {
        "base": {**SMALL, "trainin": {}},
        "variants": {
            "fine": {},
            "unknown-argument": {"model": {"widht": 8}},
            "unknown-option": {"model": {"fusion": {"name": "concatenation", "order": 7}, "encoder": "gruu"}},
            "unknown-key": {"modle": {"width": 8}},
            "wrong-value": {"training": {"epochs": "many"}},
            "indivisible": {"model": {"width": 9, "heads": 2}},
            "no such/name": {},
            "smells": {"training": {"modalities": ["smell"]}},
            "no-recipe": {"recipe": "css-none"},
            "printed": {"published": [1]},
            "weights": {"balancer": {"name": "fixed", "values": [1.0]}},
            "no-number": {"balancer": {"name": "fixed", "values": [1.0, float("nan"), 1.0]}},
            "a-number": 5,
        },
        "grid": {"rank": [1, 2], "model.order": 3, "about.x": [1]},
        "reference": "fien",
        "conditions": {"of": "fin", "rates": [0, 2]},
        "report": ["cost"],
        "colour": "red",
    }
    found = faults_of(content, tiny_corpus, settings="iemocop")
    for expected in (
        "base: unknown key 'trainin'. Did you mean 'training'",
        "variant 'unknown-argument': Unknown argument 'model.widht'",
        "variant 'unknown-option': Unknown argument 'model.fusion.order' of the fusion 'concatenation'",
        "variant 'unknown-option': `model.encoder`: there is no encoder 'gruu'. Did you mean 'gru'?",
        "variant 'unknown-key': unknown key 'modle'. Did you mean 'model'",
        "variant 'wrong-value': `training.epochs` = 'many'",
        "variant 'indivisible'",
        "variant 'no such/name': a name may hold",
        "variant 'smells': Corpus 'synthetic' has the modalities",
        "variant 'no-recipe': There is no recipe 'css-none'",
        "variant 'printed': `published` should be",
        "variant 'weights': `balancer.values` should be 3 numbers",
        "variant 'no-number': `values[1]` should be finite. Found nan",
        "variant 'a-number' should be a mapping. Found 5",
        "grid: 'rank' should be section.argument",
        "grid: 'model.order' should be section.argument",
        "grid: 'about.x' should be section.argument",
        "`reference` should name a variant. Did you mean 'fine'",
        "conditions: `of` should name a variant. Did you mean 'fine'",
        "conditions: `rates` should be fractions",
        "`report` knows ['costs', 'curves']. Found 'cost'",
        "Unknown key 'colour'",
        "The study has no settings 'iemocop'",
    ):
        assert expected in found, expected
    assert "variant 'fine'" not in found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, "needs `variants` or a `grid`"),
        ({"variants": ["a"]}, "`variants` should be a mapping"),
        ({"variants": {"a": {}}, "base": "css"}, "`base` should be a mapping"),
        ({"variants": {"a": {}}, "grid": 3}, "`grid` should be a mapping"),
        ({"variants": {"a": {}}, "report": "costs"}, "`report` should be a list"),
        ({"variants": {"a": {}}, "reference": ["a"]}, "`reference` should name a variant"),
        ({"variants": {"a": {}}, "conditions": ["a"]}, "`conditions` should have the keys"),
        ({"variants": {".hidden": {}}}, "a name may hold"),
        ({"variants": {"..": {}}}, "a name may hold"),
        ({"variants": {"a": {"model": 5}}}, "should be a mapping"),
        ({"variants": {"a": {"model": {"name": "cs"}}}}, "There is no model 'cs'"),
        ({"variants": {"a": {"point": {}}}}, "unknown key 'point'"),
        ({"variants": {"rank-4": {}}, "grid": {"model.fusion.rank": [4]}}, "'rank-4' stands twice"),
        ({"variants": {"a": {"training": {"class_weights": [1.0, 2.0]}}}}, "one number per label"),
        ({"variants": {"a": {"recipe": {"mosi": "css-mosi"}}, "b": {"published": "high"}}}, "`published` should be"),
    ],
)
def test_faults_of_form_are_told_in_words(content: dict[str, Any], expected: str, tiny_corpus: Corpus) -> None:
    assert expected in faults_of(content, tiny_corpus)


def test_a_study_without_variants_for_the_settings_is_refused(tiny_corpus: Corpus) -> None:
    content = {"variants": {"a": {"recipe": {"mosi": "css-mosi"}}, "b": {"recipe": {"meld": "css-meld-paper"}}}}
    assert plan(content, tiny_corpus, name="s").left_out == ("b",)
    assert "no settings 'iemocap'" in faults_of(content, tiny_corpus, settings="iemocap")


def test_a_study_is_a_shipped_name_or_a_yaml_file() -> None:
    with pytest.raises(UsageError, match="css-components"):
        study_path("css-component")
    with pytest.raises(UsageError, match="YAML file"):
        read_study("nowhere.yaml")


def test_one_recipe_serves_a_corpus_with_fewer_modalities() -> None:
    corpus = Synthetic(train=3, validation=1, test=1, widths={"text": 4, "audio": 3}).read()
    assert plan(read_study("css-components"), corpus, name="s").reference == "full"
