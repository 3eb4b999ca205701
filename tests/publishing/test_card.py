"""A card says what the run says, and that the rest is not known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossspace import Corpus, Predictor
from crossspace.analysis.card import body_of
from crossspace.cli.main import main
from crossspace.digests import write_sums
from crossspace.errors import MismatchError
from crossspace.experiment.calibrate import calibrate
from crossspace.experiment.folder import SUMMED
from crossspace.publishing.card import made_card, written_card


def head_of(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def rows(card: str, begin: str) -> list[list[str]]:
    """The cells of a table that begins with a heading."""
    table = card[card.index(begin) :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def results_of(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "results.json").read_text()))


def test_scores_are_those_of_the_run_and_this_model_is_the_best_seed(finished_run: Path) -> None:
    predictor, results = Predictor.from_pretrained(finished_run), results_of(finished_run)
    card, place = made_card(predictor), results["seeds"].index(predictor.model.details["seed"])
    overall = rows(card, "| metric | this model")
    assert [row[0] for row in overall][:2] == ["Weighted F1", "Accuracy"]
    f1 = results["metrics"]["weighted_f1"]
    low, high = f1["interval"]
    assert overall[0][1:] == [
        f"{100 * f1['values'][place]:.2f}",
        f"{100 * f1['mean']:.2f}",
        f"{100 * f1['std']:.2f}",
        f"{100 * low:.2f} to {100 * high:.2f}",
    ]
    classes = rows(card, "| emotion | precision")
    assert [row[0] for row in classes] == list(predictor.task.labels)
    first = results["per_class"][predictor.task.labels[0]]
    assert classes[0][3:] == [f"{100 * first['f1']['values'][place]:.2f}", str(first["support"])]
    (found,) = head_of(card)["model-index"][0]["results"]
    assert found["metrics"][0]["value"] == round(f1["values"][place], 4)


def test_it_says_how_to_load_it_what_it_is_not_for_and_what_is_not_known(finished_run: Path) -> None:
    card = made_card(Predictor.from_pretrained(finished_run), name="you/it")
    assert head_of(card)["library_name"] == "crossspace" and "license" not in head_of(card)
    for said in (
        'from_pretrained("you/it")',
        "must not be used to decide anything about people",
        "Protocol `validation`",
        "Under which licence the weights may be used",
        "It is not calibrated",
        "is not recorded in the run",
        "doi:10.1609/aaai.v40i29.39602",
    ):
        assert said in card


def test_no_path_of_the_machine_stands_on_it(finished_run: Path, corpus_file: Path) -> None:
    card = made_card(Predictor.from_pretrained(finished_run), name="you/it")
    assert corpus_file.name not in card and str(finished_run.parent) not in card
    assert "training:\n" in card[card.index("## Configuration") :]


def test_a_calibrated_copy_is_brought_together_with_its_run_and_with_no_other(
    finished_run: Path, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    found = calibrate(finished_run, tiny_corpus, tmp_path / "copy")
    predictor = Predictor.from_pretrained(tmp_path / "copy")
    alone, together = made_card(predictor), made_card(predictor, run=finished_run)
    assert f"A temperature of {found.temperature:.3f} was fitted" in alone
    assert "model-index" not in alone and "How good it is: the folder of its run" in alone
    assert "| Weighted F1 |" in together and "How good it is: the folder" not in together
    predictor.model.details["seed"] = 7
    with pytest.raises(MismatchError, match="Found another seeds, 0, 1"):
        made_card(predictor, run=finished_run)
    predictor.model.details["corpus"] = {"fingerprint": "another"}
    with pytest.raises(MismatchError, match="Found another corpus"):
        made_card(predictor, run=finished_run)


def test_scores_by_which_the_epoch_was_chosen_are_no_index(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    results = results_of(run)
    (run / "results.json").write_text(json.dumps({**results, "protocol": "best-on-test"}))
    write_sums(run, SUMMED)
    card = made_card(Predictor.from_pretrained(run))
    assert "model-index" not in head_of(card) and "these numbers are optimistic" in card


def test_a_card_by_hand_is_taken_as_it_is(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    (run / "README.md").write_text("# By hand\n")
    assert written_card(Predictor.from_pretrained(run)) == "# By hand\n"


def test_names_that_look_like_markup_stay_text(finished_run: Path) -> None:
    predictor = Predictor.from_pretrained(finished_run)
    predictor.model.details["corpus"] = {"name": "<script>|x|\n---\nlicense: mit", "licence": "a|b"}
    card = made_card(predictor, licence="x\n---\ninjected: true")
    assert "<script>" not in card.split("---\n", 2)[2] and head_of(card).get("injected") is None


def test_the_command_prints_it_without_its_head(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(finished_run)]) == 0
    assert (said := capsys.readouterr().out).startswith("# CSS") and "library_name" not in said


def test_the_card_of_an_exported_model_is_printed(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    out = tmp_path / "exported"
    assert main(["export", str(finished_run), "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["card", str(out)]) == 0
    assert body_of((out / "README.md").read_text()).strip() == capsys.readouterr().out.strip()
    assert main(["card", str(out), "--run", str(finished_run)]) == 2
    assert "Leave out --run" in capsys.readouterr().err
