"""Where PyTorch is left out on purpose the doctor says what can be done all the same, and does not advise it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossspace.cli.main import main
from crossspace.doctor import requirements
from crossspace.doctor.examination import Examination
from crossspace.doctor.features import FEATURES, ITSELF, READING
from crossspace.doctor.report import report
from crossspace.without_torch import EXPORTED as EXPORTED_LINES
from crossspace.without_torch import EXPORTED_TEXTS

Install = Callable[..., Path]
BY_EXPORTED = "predict by an exported model"


def can(found: Examination) -> set[str]:
    """What can be done."""
    return {one["what"] for one in found.features() if one["can"] == "yes"}


def test_what_an_exported_model_needs_is_enough_for_it_and_for_no_more(alone: Install) -> None:
    alone(*EXPORTED_TEXTS)
    found = Examination()
    assert can(found) == {
        "transcript: any format of transcripts",
        BY_EXPORTED,
        "analyze TRANSCRIPT by an exported model",
    }
    assert all(one["can"] == "no" for one in found.features() if ITSELF in one["takes"])


def test_each_library_of_an_exported_model_is_needed(alone: Install) -> None:
    folder = alone(*EXPORTED_TEXTS)
    homes = sorted(folder.glob("*.dist-info"))
    for home in homes:
        if home.name.startswith("crossspace"):
            continue
        home.rename(home.with_suffix(".away"))
        assert "analyze TRANSCRIPT by an exported model" not in can(Examination(importing=False)), home.name
        home.with_suffix(".away").rename(home)
    assert len(homes) == len(EXPORTED_TEXTS) + 1
    assert "analyze TRANSCRIPT by an exported model" in can(Examination(importing=False))


def test_serving_by_an_exported_model_asks_for_no_extra_that_brings_pytorch(
    alone: Install, project: dict[str, Any]
) -> None:
    alone(*EXPORTED_TEXTS)
    (serve,) = [one for one in Examination(importing=False).features() if one["what"] == "serve by an exported model"]
    assert serve["lacking"] == ["serve"]
    lines = [f"'{line}'" for line in project["optional-dependencies"]["serve"]]
    assert sorted(serve["install"].removeprefix("pip install ").split()) == sorted(lines)


def test_with_the_extra_serve_an_exported_model_is_served(alone: Install, project: dict[str, Any]) -> None:
    alone(*EXPORTED_TEXTS, *project["optional-dependencies"]["serve"])
    found = can(Examination(importing=False))
    assert "serve by an exported model" in found
    assert "serve: the page and the HTTP interface" not in found


def test_the_package_without_extras_trains_and_does_not_predict_by_exported_models(
    alone: Install, project: dict[str, Any]
) -> None:
    alone(*project["dependencies"])
    found = Examination(importing=False)
    assert found.problems == [] and not any("PyTorch" in note for note in found.notes)
    assert can(found) == {what for what, taken in FEATURES.items() if taken in [(ITSELF,), (READING,)]}
    commands = {one["what"]: one["install"] for one in found.features()}
    assert commands[BY_EXPORTED] == "pip install 'onnxruntime>=1.20'"
    assert commands["export: models as ONNX"] == "pip install 'crossspace[onnx]'"


@pytest.mark.parametrize("options", [[], ["--quick"]])
@pytest.mark.parametrize("lines", [EXPORTED_LINES, EXPORTED_TEXTS])
def test_an_environment_for_exported_models_has_no_problem(
    alone: Install, capsys: pytest.CaptureFixture[str], options: list[str], lines: tuple[str, ...]
) -> None:
    alone(*lines)
    assert main(["doctor", *options]) == 0
    told = capsys.readouterr().out
    assert main(["doctor", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fine"] and found["problems"] == []
    (note,) = [note for note in found["notes"] if "PyTorch" in note]
    assert "only exported models" in note and "pip install crossspace." in note and note in told
    for one in found["features"]:
        assert re.search(rf"^  {one['can']} +{re.escape(one['what'])}(  |$)", told, re.MULTILINE)
    assert "--upgrade" not in told.partition("\nNotes\n")[2]


@pytest.mark.parametrize("lacking", ["numpy", "onnxruntime", "pyyaml"])
def test_where_nothing_predicts_it_is_a_problem_with_both_ways_out(
    alone: Install, lacking: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alone(*(line for line in EXPORTED_LINES if not line.startswith(lacking)))
    assert main(["doctor", "--quick"]) == 1
    notes, _, problems = capsys.readouterr().out.partition("\nNotes\n")[2].partition("\nProblems\n")
    assert "torch: not installed (>=2.9 is needed). Try: pip install crossspace\n" in problems
    (line,) = [line for line in EXPORTED_LINES if line.startswith(lacking)]
    assert f"without PyTorch: pip install '{line}'.\n" in notes


def test_pytorch_without_the_rest_of_the_package_is_a_problem(alone: Install) -> None:
    alone(*EXPORTED_TEXTS, "torch>=2.9")
    told = Examination(importing=False).problems
    assert any(problem.startswith("scipy: not installed") for problem in told)
    assert all(problem.endswith("Try: pip install crossspace") for problem in told)


def test_what_is_broken_or_too_old_for_exported_models_is_mended_without_pytorch(alone: Install) -> None:
    old = ["tokenizers>=0.1" if line.startswith("tokenizers") else line for line in EXPORTED_TEXTS]
    folder = alone(*("numpy>=1.26" if line.startswith("numpy") else line for line in old))
    (folder / "onnxruntime.py").write_text("raise ImportError('of another processor')")
    found = Examination()
    assert BY_EXPORTED not in can(found)
    assert found.problems == [
        "numpy 1.26: >=2.0 is needed. Try: pip install 'numpy>=2.0'",
        "onnxruntime 1.20: ImportError: of another processor. Try: pip install --force-reinstall onnxruntime",
    ]
    assert "tokenizers 0.1: >=0.23.1 is needed. Try: pip install 'tokenizers>=0.23.1'" in found.notes


def test_without_metadata_of_the_package_exported_models_are_told_and_the_rest_is_unknown(alone: Install) -> None:
    folder = alone(*EXPORTED_TEXTS)
    for path in folder.glob("crossspace-*/*"):
        path.unlink()
    next(folder.glob("crossspace-*")).rmdir()
    found = Examination(importing=False)
    assert BY_EXPORTED in can(found) and found.problems == []
    assert all(one["can"] == "unknown" for one in found.features() if ITSELF in one["takes"])
    assert report(found)


def test_a_package_without_any_library_is_a_problem(alone: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'packaging'", name="packaging")

    alone()
    # Python keeps what was imported, so that leaving it out of the path does not take it away.
    monkeypatch.setattr(requirements.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(requirements, "_wanted", absent)
    monkeypatch.setattr("crossspace.doctor.examination.stated", absent)
    found = Examination(importing=False)
    assert found.problems == ["packaging: not installed (any version is needed). Try: pip install crossspace"]
    assert can(found) == set() and report(found)
