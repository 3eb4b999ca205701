"""Figures of a run: weights as the balancer describes them, scores as the split they belong to, runs of any age."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crossspace.evaluation.illustrations import Illustration, illustrations
from crossspace.evaluation.report import write_report
from crossspace.evaluation.run_folder import RunRecord


@pytest.fixture
def figure(write_run: Callable[..., Path], tmp_path: Path) -> Callable[..., Illustration]:
    """A figure of a small run whose history and environment were changed before."""

    def draw(name: str, change: Callable[[dict], None], said: str = "", **options: object) -> Illustration:
        write_run(tmp_path, seeds=2, conversations=6, epochs=4, **options)
        lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
        for line in lines:
            change(line)
        (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        environment = json.loads((tmp_path / "environment.json").read_text())
        if said:
            environment["balancer"] = {"name": "any", "about_weights": said}
        (tmp_path / "environment.json").write_text(json.dumps(environment))
        return next(p for p in illustrations(RunRecord.read(tmp_path), None) if p.name == name)

    return draw


def scaled(factor: float) -> Callable[[dict], None]:
    def change(line: dict) -> None:
        for name in line.get("weights", {}):
            line["weights"][name] *= factor * (1 if factor < 5 else line["step"] + 1)

    return change


def test_weights_on_the_simplex_have_an_axis_from_zero_to_one_and_a_line_where_they_are_equal(figure) -> None:
    found = figure("gamma", lambda line: None, "The weights sum to 1.")
    assert found.figure.axes[0].get_ylim() == (0, 1)
    assert "The weights sum to 1." in found.caption and "at 0.333, is where they are equal" in found.caption


def test_weights_that_sum_to_the_number_of_objectives_are_not_cut_off(figure) -> None:
    found = figure("gamma", scaled(3), "The weights sum to the number of objectives.")
    assert found.figure.axes[0].get_ylim()[1] > 1.1
    assert "sum to 1" not in found.caption and "at 1, is where they are equal" in found.caption


def test_weights_without_a_fixed_sum_have_no_line_of_equality(figure) -> None:
    found = figure("gamma", scaled(7), "The weights have no fixed sum.")
    assert found.figure.axes[0].get_ylim()[1] > 7
    assert "equal" not in found.caption and "no fixed sum" in found.caption


def test_a_run_that_does_not_say_what_its_weights_are_claims_nothing(figure) -> None:
    found = figure("gamma", scaled(2))
    assert "sum" not in found.caption and found.caption.startswith("Weight of each objective in the step.")


@pytest.mark.parametrize(("protocol", "split"), [("validation", "validation"), ("best-on-test", "test")])
@pytest.mark.parametrize("old", [False, True])
def test_the_choice_of_the_epoch_names_its_split_in_runs_of_any_age(figure, protocol, split, old) -> None:
    def change(line: dict) -> None:
        if old and line["kind"] == "epoch":
            line["validation"] = line.pop("scores")
            del line["split"]

    found = figure("epochs", change, protocol=protocol)
    assert f"Weighted F1 on the {split} split." in found.caption
    assert len(found.figure.axes[0].lines) == 2 * 2 + 1  # a line and a dot per seed, and the mean


def test_an_example_without_words_has_no_column_for_them(write_run, tmp_path: Path) -> None:
    for name, texts in (("silent", ("", "  ")), ("spoken", ("yes", ""))):
        folder = write_run(tmp_path / name, seeds=1, conversations=6, texts=texts)
        write_report(folder)
        assert ("said" in (folder / "figures" / "timeline.svg").read_text()) == (name == "spoken")
