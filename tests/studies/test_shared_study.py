"""A study folder is a queue: several processes share the work, nothing is done twice, and no one's death loses any."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from crossspace.cli.main import main
from crossspace.data.corpus import Corpus
from crossspace.engine.beating import TakenOverError
from crossspace.engine.claim import claimed
from crossspace.engine.owner import claim_path, this_process
from crossspace.studies import queue as queues
from crossspace.studies.failures import Failures
from crossspace.studies.folder import StudyFolder
from crossspace.studies.job import Elsewhere, JobSetup, Shared
from crossspace.studies.queue import Lacking, Queue
from crossspace.studies.run import StudyRun
from crossspace.studies.worker import Finish, Train

pytestmark = pytest.mark.long


def contents(folder: Path) -> dict[str, bytes]:
    """Everything that a study says: weights, results, predictions, tables."""
    kinds = ("runs/*/seed-*/model.safetensors", "runs/*/*.json", "runs/*/*.parquet", "tables/*")
    paths = [
        p for kind in kinds for p in sorted(folder.glob(kind)) if p.name not in ("environment.json", "corpus.json")
    ]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def epochs(folder: Path) -> Counter[tuple[str, str]]:
    """How often each record of each training was written, but for what depends on the time."""
    lines = [
        (str(path.parent.relative_to(folder)), json.loads(line))
        for path in folder.glob("runs/*/seed-*/history.jsonl")
        for line in path.read_text().splitlines()
    ]
    return Counter((place, json.dumps({k: v for k, v in r.items() if "second" not in k})) for place, r in lines)


def start(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    words = ["1" if before == "--jobs" else word for before, word in zip(["", *words], words, strict=False)]
    program = [sys.executable, "-m", "crossspace", *words, "--out", str(folder)]
    return subprocess.Popen(program, start_new_session=True, stdout=subprocess.DEVNULL)


def wait_for(happens: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    while not happens():
        assert process.poll() is None
        time.sleep(0.005)


def test_two_processes_share_a_study_and_one_that_is_killed_is_taken_over(
    finished_study: Path, study_words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "shared"
    with start(study_words, folder) as first, start(study_words, folder) as second:
        wait_for(lambda: list(folder.glob("runs/*/seed-*/checkpoint.pt")), first)
        wait_for(lambda: len(list(folder.glob("runs/*/seed-*/result.json"))) >= 2, first)
        os.killpg(first.pid, signal.SIGKILL)
        kept = {p: p.stat().st_mtime_ns for p in folder.glob("runs/*/seed-*/result.json")}
        assert second.wait() == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    found, expected = contents(folder), contents(finished_study)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert epochs(folder) == epochs(finished_study)
    assert not list(folder.rglob("*.partial")) and not list(folder.rglob(".claim-*"))


def test_who_is_killed_behind_his_last_word_leaves_no_claim_in_a_finished_study(
    finished_study: Path, study_words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(finished_study, folder)
    (run, *_) = sorted((folder / "runs").iterdir())
    for place in (run, run / "seed-0"):
        claim_path(place, 1).write_text(this_process(1).text())
    before = contents(folder)
    assert main([*study_words, "--out", str(folder)]) == 0
    assert not list(folder.rglob(".claim-*")) and contents(folder) == before


def test_two_that_run_a_study_to_the_end_train_nothing_twice_and_say_the_same(
    finished_study: Path, corpus_file: Path, tmp_path: Path
) -> None:
    study, corpus = StudyFolder(finished_study).study(), Corpus.read(corpus_file)
    said: list[dict[str, str]] = []

    def run() -> None:
        said.append(StudyRun(study, corpus, corpus_file, tmp_path / "shared", (0, 1), 1, "cpu", "none").execute())

    both = [Thread(target=run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert said == [{}, {}] and epochs(tmp_path / "shared") == epochs(finished_study)
    found, expected = contents(tmp_path / "shared"), contents(finished_study)
    runs = [name for name in expected if name.startswith("runs/")]
    assert [name for name in runs if found.get(name) != expected[name]] == []


def test_a_study_that_another_process_measures_is_waited_for(finished_study: Path, study_words: list[str]) -> None:
    done: list[int] = []
    waiting = Thread(target=lambda: done.append(main([*study_words, "--out", str(finished_study)])))
    with claimed(finished_study):
        waiting.start()
        waiting.join(0.3)
        assert not done
    waiting.join()
    assert done == [0]


def test_a_training_on_one_of_its_runs_is_refused_while_the_study_trains_it(
    finished_study: Path, corpus_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished_study / "runs" / "full"
    words = ["train", "--config", str(run / "config.yaml"), "--data", str(corpus_file), "--out", str(run)]
    with claimed(run / "seed-1"):
        assert main([*words, "--seeds", "2", "--device", "cpu", "--resume"]) == 2
    assert f"{run}/seed-1 is in use by process" in capsys.readouterr().err
    assert main([*words, "--seeds", "2", "--device", "cpu", "--resume", "--quiet"]) == 0


class Study:
    """A queue over one variant with two seeds, and files that say what was done."""

    def __init__(self, folder: Path) -> None:
        self.folder = StudyFolder(folder)
        self.run = self.folder.run("a")
        common: tuple[Any, ...] = ("a", None, self.run, (0, 1))
        self.lacking = Lacking([Train(*common, seed) for seed in (0, 1)], Finish(*common, None))

    def queue(self) -> Queue:
        return Queue(self.folder, {"a": self.lacking})

    def trained(self, seed: int) -> None:
        (self.run / f"seed-{seed}").mkdir(parents=True, exist_ok=True)
        (self.run / f"seed-{seed}" / "result.json").touch()

    def finished(self) -> None:
        for name in ("results.json", "report.html"):
            (self.run / name).touch()


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setattr(queues, "INTERVAL", 0)
    return Study(tmp_path)


def names(jobs: list[Shared]) -> list[str]:
    return [job.name for job in jobs]


def test_a_test_follows_when_all_seeds_are_trained_by_whomever(study: Study) -> None:
    queue = study.queue()
    first, second = queue.free()
    assert names([first, second]) == ["a seed 0", "a seed 1"] and queue.free() == []
    study.trained(0)
    queue.ended(first)
    assert queue.free() == [] and (queue.trained, queue.total) == (1, 2)
    study.trained(1)
    (finish,) = queue.free()
    assert finish.name == "a" and not queue.is_empty
    study.finished()
    assert queue.free() == [] and queue.is_empty and queue.trained == 2


def test_what_others_are_at_is_left_to_them_and_taken_when_they_die(study: Study) -> None:
    queue = study.queue()
    with claimed(study.run / "seed-0"):
        assert names(queue.free()) == ["a seed 1"] and queue.free() == []
    (study.run / "seed-0").mkdir()
    claim_path(study.run / "seed-0", 1).write_text(this_process(1).text())  # killed
    assert names(queue.free()) == ["a seed 0"]


def test_the_dead_of_another_machine_are_named_to_the_worker(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("crossspace.engine.watch.clock", lambda: now[0])
    queue = study.queue()
    owner = this_process(1)
    (study.run / "seed-0").mkdir(parents=True)
    claim_path(study.run / "seed-0", 1).write_text(owner.text().replace(owner.boot, "another"))
    assert names(queue.free()) == ["a seed 1"]
    now[0] = 60.0
    (job,) = queue.free()
    assert job.name == "a seed 0" and job.dead == {owner.mark}


def test_no_test_begins_while_the_last_words_of_a_training_are_written(study: Study) -> None:
    queue = study.queue()
    study.trained(0)
    study.trained(1)
    with claimed(study.run / "seed-1"):
        assert queue.free() == [] and not queue.is_empty
    assert names(queue.free()) == ["a"]


def test_nothing_is_begun_while_somebody_holds_the_run_or_the_study(study: Study) -> None:
    queue = study.queue()
    for held in (study.run, study.folder.path):
        with claimed(held):
            assert queue.free() == [] and not queue.is_empty
    assert len(queue.free()) == 2


def test_what_fails_elsewhere_stays_failed_and_what_failed_before_is_tried_again(study: Study) -> None:
    failures = study.folder.failures
    failures.write("a", "seed-0", "a seed 0: before", 0)
    queue = study.queue()
    assert len(queue.free()) == 2
    for job in study.lacking.trainings:
        queue.ended(job)
    failures.write("a", "seed-0", "a seed 0: elsewhere", 0)
    assert names(queue.free()) == ["a seed 1"] and queue.failed == 1
    study.trained(1)
    assert queue.free() == [] and queue.is_empty
    assert failures.merged() == {"a": "a seed 0: elsewhere"}


def test_a_worker_does_nothing_of_what_another_does_or_has_done(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Train, "work", lambda *_: 1 / 0)
    setup, job = JobSetup("", "cpu", 1, "none", study.folder.path), study.lacking.trainings[0]
    for held in (job.place, study.run):
        with claimed(held):
            assert isinstance(job.do(setup, print), Elsewhere)
    study.trained(0)
    assert job.do(setup, print) is None
    (job.place / "result.json").unlink()
    with pytest.raises(ZeroDivisionError):
        job.do(setup, print)
    assert "a seed 0: " in study.folder.failures.merged()["a"]


def test_a_training_that_was_taken_over_is_no_failure(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise TakenOverError("by another")

    monkeypatch.setattr(Train, "work", lost)
    setup, job = JobSetup("", "cpu", 1, "none", study.folder.path), study.lacking.trainings[0]
    assert isinstance(job.do(setup, print), Elsewhere) and study.folder.failures.merged() == {}


def test_failures_of_several_processes_are_all_kept_beside_those_of_an_earlier_release(tmp_path: Path) -> None:
    (tmp_path / "failures.json").write_text(json.dumps({"old": "x", "a": "y"}))
    failures = Failures(tmp_path)
    for seed in (10, 9):
        failures.write("a", f"seed-{seed}", f"a seed {seed}: no", seed)
    failures.write("b", "test", "b: no")
    assert failures.merged() == {"old": "x", "a": "a seed 9: no\na seed 10: no", "b": "b: no"}
    failures.forget_earlier()
    for variant, part in (("a", "seed-9"), ("a", "seed-10"), ("b", "test"), ("b", "test")):
        failures.remove(variant, part)
    assert failures.merged() == {} and not list(tmp_path.iterdir())
