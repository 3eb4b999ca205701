"""What is there, what is missing and what is broken is told, and nothing that is broken breaks the doctor."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import packaging
import pytest

from crossspace.cli.main import main
from crossspace.doctor import examination, machine, places
from crossspace.doctor.examination import Examination
from crossspace.doctor.features import FEATURES, ITSELF, WITHOUT_TORCH
from crossspace.doctor.imports import imported
from crossspace.doctor.report import report
from crossspace.doctor.requirements import DEVELOPERS, MODULES, module_of

Install = Callable[..., Path]


def test_every_state_of_a_library_is_told_with_what_to_do(installed: Install) -> None:
    installed("healthy", "old", "absent", "partly")
    found = Examination(importing=False)
    states = {name: found.state(name) for name in found.by_extra}
    assert states == {"healthy": "fine", "old": "unsuitable", "absent": "missing", "partly": "partly missing"}
    assert [(one.name, one.installed, one.wanted) for one in found.by_extra["old"]] == [("old-one", "1.2", "<6,>=5")]
    lacking = {one["what"]: one["install"] for one in found.features() if one["lacking"]}
    assert lacking == {
        "with old": "pip install --upgrade 'crossspace[old]'",
        "with absent": "pip install 'crossspace[absent]'",
        "with partly": "pip install 'crossspace[partly]'",
    }
    assert found.problems == []
    assert [note for note in found.notes if "old-one" in note] == [
        "old-one 1.2: <6,>=5 is needed. Try: pip install --upgrade 'crossspace[old]'"
    ]


def test_what_an_extra_asks_of_extras_is_asked_too(installed: Install) -> None:
    installed("partly", "healthy")
    found = Examination(importing=False)
    assert {one.name for one in found.by_extra["partly"]} == {"healthy-one", "grouped", "absent-one"}
    assert {one.name for one in found.by_extra["healthy"]} == {"healthy-one", "grouped"}


def test_an_import_that_fails_or_ends_the_process_is_a_problem_and_no_more(
    installed: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    installed("healthy", "broken", "deadly")
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {name: one["state"] for name, one in found["extras"].items()} == {
        "healthy": "fine",
        "broken": "broken",
        "deadly": "broken",
    }
    assert not found["fine"] and [p.partition(" 1.2: ")[0] for p in found["problems"]] == [
        "broken-one",
        "ending-one",
        "deadly-one",
    ]
    told = " ".join(found["problems"])
    assert "its other half is of another release" in told and "SystemExit: 3" in told
    assert "the import ended the process with exit code 7" in told
    assert "pip install --force-reinstall broken-one" in told


def test_an_import_that_never_ends_is_waited_for_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "endless_one.py").write_text("import threading; threading.Event().wait()")
    monkeypatch.syspath_prepend(tmp_path)
    found = imported(["endless_one"], patience=0.2)
    assert found == {"endless_one": {"module": "endless_one", "fault": "the import took longer than 0.2 seconds"}}


def test_a_library_of_the_package_itself_that_is_absent_is_a_problem(
    installed: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(requires=("absent-one>=2", "old-one>=5"))
    assert main(["doctor", "--quick"]) == 1
    out = capsys.readouterr().out
    assert "absent-one: not installed (>=2 is needed). Try: pip install crossspace\n" in out
    assert "old-one 1.2: >=5 is needed. Try: pip install --upgrade crossspace\n" in out


def test_an_extra_that_is_absent_is_no_problem(installed: Install, capsys: pytest.CaptureFixture[str]) -> None:
    installed("absent", "old")
    assert main(["doctor", "--quick"]) == 0
    assert "Nothing that is installed is broken." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (examination, "libraries"),
        (examination, "extras"),
        (examination, "pythons"),
        (examination, "places"),
        (examination, "_imports"),
        *((machine, name) for name in ("interpreter", "system", "processor", "environment", "text")),
    ],
)
def test_whatever_cannot_be_found_out_is_said_and_the_rest_goes_on(
    where: object, what: str, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("nobody knows")

    installed("healthy", "absent")
    monkeypatch.setattr(where, what, fails)
    found = Examination()
    assert any("nobody knows" in note for note in found.notes)
    assert report(found) and json.dumps(found.as_dict())


def test_without_metadata_of_the_package_the_machine_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(Path(packaging.__file__).parent, tmp_path / "packaging")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(p for p in sys.path if "site-packages" not in p)])
    found = Examination(importing=False)
    assert any("Nothing is known of libraries" in note for note in found.notes)
    assert "processor" in report(found)


def test_damaged_metadata_of_a_library_are_its_fault(installed: Install) -> None:
    folder = installed("healthy")
    (folder / "grouped-3.0.dist-info" / "METADATA").write_text("")
    found = Examination(importing=False)
    (grouped,) = [one for one in found.by_extra["healthy"] if one.name == "grouped"]
    assert grouped.state in ("broken", "missing")
    assert report(found)


def test_secrets_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "CROSSSPACE_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("RAY_ADDRESS", "ray://me:hunter2@head:10001")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SHOPPING_LIST", "milk")
    told = machine.environment()
    assert "hunter2" not in str(told) and told["CROSSSPACE_TOKEN"] == "(set)"
    assert told["RAY_ADDRESS"] == "ray://...@head:10001"
    assert told["OMP_NUM_THREADS"] == "3" and "SHOPPING_LIST" not in told


def test_caches_are_measured_and_what_cannot_be_written_to_is_noted(
    installed: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    cache = tmp_path / "cache"
    (cache / "deep").mkdir(parents=True)
    (cache / "deep" / "a").write_bytes(b"123")
    (cache / "b").write_bytes(b"4567")
    monkeypatch.setenv("CROSSSPACE_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "not" / "yet"))
    ours, hub = places.places()[:2]
    assert (ours["files"], ours["bytes"], ours["writable"]) == (2, 7, True)
    assert (hub["exists"], hub["bytes"], hub["writable"]) == (False, 0, True) and hub["free"] > 0
    assert sorted(os.listdir(cache)) == ["b", "deep"]

    monkeypatch.setattr(places, "MOST_FILES", 1)
    monkeypatch.setenv("CROSSSPACE_CACHE", str(cache / "b"))
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    found = Examination(importing=False)
    assert any("cannot be written to" in note and str(cache / "b") in note for note in found.notes)
    assert "at least " in report(found)


def test_a_folder_that_several_machines_share_is_among_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", f"shared:{tmp_path}")
    assert ("shared cache", str(tmp_path)) in [(one["what"], one["path"]) for one in places.places()]


def test_a_terminal_of_few_characters_shows_the_rest(
    installed: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed("healthy")
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "größe"))
    with open(tmp_path / "out", "w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["doctor", "--quick"]) == 0
    assert "gr\\xf6\\xdfe" in (tmp_path / "out").read_text()


def test_an_old_or_new_python_is_told(installed: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("healthy")
    monkeypatch.setattr(machine, "interpreter", lambda: {"version": "3.99.1"})
    assert "Python 3.99 is not among those that crossspace is tested with: 3.10, 3.11, 3.12, 3.13, 3.14." in (
        Examination(importing=False).notes
    )


def test_this_installation_is_told_with_all_sections(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        importlib.metadata.version("crossspace")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("runs from its sources, which tell nothing of extras")
    main(["doctor", "--quick"])
    out = capsys.readouterr().out
    for title in ("Libraries", "Extras", "What can be done", "Places", "Problems"):
        assert f"\n{title}\n" in out
    assert "torch" in out
    lacking = re.findall(r"^  (\w+) +(?:missing|too old|broken)\b", out, re.MULTILINE)
    assert all(f"pip install 'crossspace[{extra}]'" in out for extra in lacking)


def test_what_every_extra_is_for_is_told(project: dict[str, Any]) -> None:
    named = {name for taken in FEATURES.values() for name in taken}
    assert named - {ITSELF, *WITHOUT_TORCH} == set(project["optional-dependencies"]) - set(DEVELOPERS)


def test_the_module_of_every_library_is_known(project: dict[str, Any]) -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    texts = [*project["dependencies"]]
    texts += [t for extra, found in project["optional-dependencies"].items() if extra not in DEVELOPERS for t in found]
    names = {canonicalize_name(Requirement(text).name) for text in texts} - {"crossspace"}
    assert set(MODULES) <= names
    found = importlib.metadata.packages_distributions()
    homes = {canonicalize_name(home): module for module, owners in found.items() for home in owners}
    installed = names & set(homes)
    assert len(installed) >= 15
    wrong = {n: module_of(n) for n in installed if n not in map(canonicalize_name, found.get(module_of(n), ()))}
    assert not wrong


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("raise RuntimeError('of another release')", "RuntimeError: of another release"),
        ("import os; os._exit(3)", "the import ended the process with exit code 3"),
    ],
)
def test_the_library_that_reads_what_is_asked_for_is_examined_too(
    installed: Callable[..., Path], code: str, fault: str
) -> None:
    (installed() / "packaging.py").write_text(code, encoding="utf-8")
    found = Examination(importing=False)
    assert found.problems == [f"packaging: {fault}. Try: pip install --force-reinstall packaging"]
    assert found.as_dict()["libraries"][0]["state"] == "broken"


def test_an_error_without_words_is_told_by_its_name(installed: Callable[..., Path]) -> None:
    code = "class Mute(Exception):\n    def __str__(self):\n        raise ValueError\nraise Mute"
    (installed("healthy") / "healthy_one.py").write_text(code, encoding="utf-8")
    assert imported(["healthy_one"])["healthy_one"]["fault"] == "Mute"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes as POSIX has them")
def test_what_an_import_has_begun_holds_nobody_up(installed: Callable[..., Path]) -> None:
    code = "import os, time\nif os.fork() == 0:\n    time.sleep(600)\n    os._exit(0)"
    (installed("healthy") / "healthy_one.py").write_text(code, encoding="utf-8")
    found = imported(["healthy_one", "deadly_one", "healthy_one"])
    assert found["healthy_one"]["fault"] == "" and "exit code 7" in found["deadly_one"]["fault"]
