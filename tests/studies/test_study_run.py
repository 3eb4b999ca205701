"""Studies are run once, go on where they were killed, survive what fails, and never mix what does not compare."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crossspace.cli.main import main
from crossspace.data.corpus import Corpus
from crossspace.digests import SUMS
from crossspace.engine.processes import Processes
from crossspace.engine.work import Done, Event, Failed, Reported
from crossspace.studies.folder import StudyFolder
from crossspace.studies.job import JobSetup
from crossspace.studies.worker import work_at

VARIANTS = ("full", "fixed", "two")


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the drawing of figures where a test is not about them."""
    monkeypatch.setattr("crossspace.studies.report.write_study_report", lambda folder: folder)


def times(folder: Path) -> dict[Path, int]:
    """When every file of the runs was last written."""
    return {p: p.stat().st_mtime_ns for p in sorted((folder / "runs").rglob("*")) if p.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    """Everything that a study says: weights, results, predictions under conditions, tables."""
    kinds = ("runs/*/seed-*/model.safetensors", "runs/*/results.json", "runs/*/conditions.parquet", "tables/*")
    return {str(p.relative_to(folder)): p.read_bytes() for kind in kinds for p in sorted(folder.glob(kind))}


def test_every_variant_is_trained_with_every_seed_and_reported(finished_study: Path) -> None:
    for variant in VARIANTS:
        run = finished_study / "runs" / variant
        results = json.loads((run / "results.json").read_text())
        assert results["seeds"] == [0, 1] and results["protocol"] == "validation"
        assert (run / "report.html").exists() and (run / "conditions.parquet").exists() == (variant == "full")
    assert (finished_study / "report.html").exists() and StudyFolder(finished_study).failures.merged() == {}


def test_a_study_file_is_read_back_as_it_was(finished_study: Path) -> None:
    study = StudyFolder(finished_study).study()
    assert [v.name for v in study.variants] == list(VARIANTS)
    assert (study.reference, study.conditions.of, study.report) == ("full", "full", ("curves",))
    assert study.variant("full").published == (70.5, 71.5)


def test_the_same_command_again_trains_nothing(finished_study: Path, study_words: list[str]) -> None:
    before, said = times(finished_study), contents(finished_study)
    assert main([*study_words, "--out", str(finished_study)]) == 0
    assert times(finished_study) == before and contents(finished_study) == said


@pytest.mark.long
def test_a_study_killed_half_way_ends_as_one_that_was_not(
    finished_study: Path, study_words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    program = [sys.executable, "-m", "crossspace", *study_words, "--out", str(folder)]
    with subprocess.Popen(program, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        while not list(folder.glob("runs/*/seed-*/result.json")):
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    assert len(list(folder.glob("runs/*/seed-*/result.json"))) >= 1
    assert len(list(folder.glob("runs/*/results.json"))) < len(VARIANTS) and not (folder / "report.html").exists()
    before = {p: p.stat().st_mtime_ns for p in folder.glob("runs/*/seed-*/result.json")}
    assert main([*study_words, "--out", str(folder)]) == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before
    found, expected = contents(folder), contents(finished_study)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert not list(folder.rglob("*.partial")) and not list(folder.rglob("checkpoint.pt"))


@pytest.mark.xdist_group("ray")
@pytest.mark.long
def test_actors_of_a_cluster_train_what_processes_train(
    finished_study: Path, study_words: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    assert main([*study_words, "--engine", "ray", "--out", str(tmp_path / "out")]) == 0
    found, expected = contents(tmp_path / "out"), contents(finished_study)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--address 127.0.0.1:6379", "--address should stand with --engine ray. Found --engine local"),
        ("--gpus-per-worker 1 --address a:1", "--address and --gpus-per-worker should stand with --engine ray"),
        ("--engine ray --gpus-per-worker 1.5", "should be a part of one GPU, or a whole number of them. Found 1.5"),
        ("--engine ray --gpus-per-worker -1", "Found -1"),
        ("--engine ray --gpus-per-worker 1", "--gpus-per-worker keeps GPUs busy that --device cpu leaves idle"),
        ("--engine ray --device cuda", "--device cuda should stand with --gpus-per-worker"),
        ("--engine slurm", "invalid choice: 'slurm'"),
    ],
)
def test_an_engine_that_options_do_not_fit_is_refused_before_anything_is_made(
    study_words: list[str], tmp_path: Path, options: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*study_words, "--out", str(tmp_path / "out"), *options.split()]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_variant_that_fails_is_reported_and_the_others_finish(
    broken_study: Path, broken_words: list[str], no_report: None, capsys: pytest.CaptureFixture[str]
) -> None:
    failures = StudyFolder(broken_study).failures.merged()
    assert set(failures) == {"broken", "broken--best-on-test"}
    assert failures["broken"].startswith("broken seed 0: ") and "not finite" in failures["broken"]
    before = times(broken_study / "runs" / "fine")
    assert main(broken_words) == 1
    assert "broken failed: " in capsys.readouterr().out
    assert times(broken_study / "runs" / "fine") == before
    assert (broken_study / "runs" / "fine--best-on-test" / "results.json").exists()
    assert not (broken_study / "runs" / "broken" / "results.json").exists()


def test_another_study_is_refused_and_the_difference_named(
    finished_study: Path, study_words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished_study / "study.yaml").read_bytes()
    out = ["--out", str(finished_study)]
    assert main([*study_words, *out, "--training.batch_size", "4"]) == 2
    assert "variants.full.training.batch_size: 3 in the folder, 4 now" in capsys.readouterr().err
    assert main([*study_words, *out, "--best-on-test"]) == 2
    assert main([*study_words, *out, "--first-seed", "1"]) == 2
    assert "seeds: [0, 1] in the folder, [1, 2] now" in capsys.readouterr().err
    assert (finished_study / "study.yaml").read_bytes() == before


def test_another_corpus_is_refused_and_both_fingerprints_are_named(
    finished_study: Path,
    study_words: list[str],
    tiny_corpus: Corpus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tiny_corpus.with_splits({tiny_corpus.conversation_ids("train")[0]: None})
    other.write(tmp_path / "other.parquet")
    words = [str(tmp_path / "other.parquet") if w.endswith("tiny.parquet") else w for w in study_words]
    assert main([*words, "--out", str(finished_study)]) == 2
    said = capsys.readouterr().err
    assert tiny_corpus.fingerprint in said and other.fingerprint in said


def test_the_corpus_may_have_moved(
    finished_study: Path, study_words: list[str], corpus_file: Path, tmp_path: Path, no_report: None
) -> None:
    shutil.copy(corpus_file, tmp_path / "moved.parquet")
    words = [str(tmp_path / "moved.parquet") if w == str(corpus_file) else w for w in study_words]
    before = times(finished_study)
    assert main([*words, "--out", str(finished_study)]) == 0
    assert times(finished_study) == before


def test_a_folder_with_other_files_is_refused(
    study_words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main([*study_words, "--out", str(tmp_path)]) == 2
    assert "new or empty folder" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == ["notes.txt"]


def test_a_run_from_another_corpus_makes_the_report_refuse_with_both_fingerprints(
    finished_study: Path, tiny_corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "swapped"
    shutil.copytree(finished_study, folder)
    path = folder / "runs" / "two" / "environment.json"
    environment = json.loads(path.read_text())
    environment["corpus"]["fingerprint"] = "f" * 64
    path.write_text(json.dumps(environment))
    (folder / "report.html").unlink()
    assert main(["study", "report", str(folder)]) == 1
    assert "environment.json was changed" in capsys.readouterr().err
    (path.parent / SUMS).unlink()
    assert main(["study", "report", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "f" * 64 in said and tiny_corpus.fingerprint in said and not (folder / "report.html").exists()


@pytest.mark.parametrize(("option", "value"), [("--jobs", "0"), ("--seeds", "0")])
def test_numbers_below_one_are_refused(
    study_words: list[str], tmp_path: Path, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*study_words, "--out", str(tmp_path / "new"), option, value]) == 2
    assert "at least 1" in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_a_folder_that_holds_no_study_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "report", str(tmp_path)]) == 1
    assert "study.yaml" in capsys.readouterr().err


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Jobs that the processes of a study can import by name."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("fake_jobs")


def job(fake: ModuleType, name: str, what: str = "answer") -> Any:
    return fake.Fake(name, None, Path(), (0,), what)


@pytest.mark.long
def test_a_process_that_dies_is_a_failure_of_its_job_only(fake: ModuleType, tmp_path: Path) -> None:
    jobs = [
        job(fake, n, w) for n, w in (("a", "mistake"), ("b", "bug"), ("c", "answer"), ("d", "die"), ("e", "answer"))
    ]
    heard: list[Event[Any]] = []
    with Processes(work_at(JobSetup("", "cpu", 1, "none", tmp_path)), 1) as running:
        running.add(jobs)
        for event in running:
            heard.append(event)
            if isinstance(event, Done) and event.item.variant == "c":
                running.add([job(fake, "after c")], first=True)
    ends = {event.item.variant: event for event in heard if not isinstance(event, Reported)}
    assert list(ends) == ["a", "b", "c", "after c", "d", "e"]
    assert [type(e) for e in ends.values()] == [Failed, Failed, Done, Done, Failed, Done]
    assert ends["a"].reason == "told in words" and "ZeroDivisionError" in ends["b"].reason
    assert "signal 9" in ends["d"].reason and "memory" in ends["d"].reason and ends["d"].died
    assert ends["c"].result[1] == ends["after c"].result[1] != ends["e"].result[1]
    assert [e.item.variant for e in heard if isinstance(e, Reported)] == ["c", "after c", "e"]
    assert not multiprocessing.active_children()
