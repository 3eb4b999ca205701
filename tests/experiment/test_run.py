"""From configuration and corpus to a run folder, also across interruptions."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

import crossspace.experiment.folder as folder_module
import crossspace.experiment.run as run_module
from crossspace.cli.main import main
from crossspace.configuration import Configuration, make_configuration, read_configuration
from crossspace.data.corpus import Corpus
from crossspace.engine.beating import Claim, TakenOverError
from crossspace.errors import UsageError
from crossspace.experiment import Run
from crossspace.models.css import CSS
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.contrastive import SupervisedContrast
from crossspace.training.devices import Devices
from crossspace.training.event import Event

Execute = Callable[..., dict[str, Any]]


@pytest.fixture
def execute(tiny_corpus: Corpus, corpus_file: Path, tiny_tree: dict[str, dict]) -> Execute:
    """Runs the tiny configuration, with changes, in a folder."""

    def run(
        folder: Path,
        resume: bool = False,
        seeds: tuple[int, ...] = (0,),
        on_event: Callable[[int, Event], None] | None = None,
        corpus: Corpus = tiny_corpus,
        **changes: Any,
    ) -> dict[str, Any]:
        tree = {**tiny_tree, "training": {**tiny_tree["training"], **changes}}
        made = Run(make_configuration(tree), corpus, corpus_file, folder, seeds, Devices("cpu"), on_event)
        return made.execute(resume)

    return run


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the drawing of figures where a test is not about them."""
    monkeypatch.setattr(run_module, "write_report", lambda folder: (folder / "report.html").write_text("report"))


def same_weights(left: Path, right: Path) -> bool:
    files = sorted(p.relative_to(left) for p in left.glob("seed-*/model.safetensors"))
    assert files
    return all((left / f).read_bytes() == (right / f).read_bytes() for f in files)


def test_graphs_are_refused_off_cuda_before_anything_is_written(execute: Execute, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`training\.graphs` should be false on the device 'cpu'"):
        execute(tmp_path / "run", graphs=True)
    assert not (tmp_path / "run").exists()


def test_a_run_folder_holds_what_the_design_says(finished_run: Path) -> None:
    names = {p.name for p in finished_run.iterdir()}
    assert names >= {
        "config.yaml",
        "environment.json",
        "history.jsonl",
        "results.json",
        "predictions.parquet",
        "report.html",
        "report.md",
        "figures",
        "seed-0",
        "seed-1",
    }
    for seed in (0, 1):
        assert {"config.json", "model.safetensors"} <= {p.name for p in (finished_run / f"seed-{seed}").iterdir()}
    assert not list(finished_run.rglob("*.partial")) and not list(finished_run.rglob("checkpoint.pt"))


def test_results_have_the_keys_that_the_issue_promises(finished_run: Path, tiny_corpus: Corpus) -> None:
    results = json.loads((finished_run / "results.json").read_text())
    assert (results["protocol"], results["split"], results["seeds"]) == ("validation", "test", [0, 1])
    assert set(results["metrics"]) == {"accuracy", "weighted_f1", "macro_f1", "uar"}
    for metric in results["metrics"].values():
        assert set(metric) >= {"mean", "std", "interval", "values"} and len(metric["values"]) == 2
    assert list(results["per_class"]) == list(tiny_corpus.spec.labels)


class Alone(CrossEntropy):
    """Would compare rows of the whole batch, and fetches none from other processes."""

    separable = False


@pytest.mark.parametrize(
    ("objective", "options", "processes", "reason"),
    [
        (SupervisedContrast("text"), {"accumulate": 2}, 1, r"`training.accumulate` should be 1.*'contrast'"),
        (Alone(), {}, 2, r"one process only.*'fused'.*`--processes 1`"),
        (SupervisedContrast("text"), {}, 2, None),
        (Alone(), {}, 1, None),
    ],
)
def test_what_cannot_be_divided_is_refused_before_anything_is_written(
    objective: Objective,
    options: dict[str, int],
    processes: int,
    reason: str | None,
    tiny_tree: dict[str, dict],
    tiny_corpus: Corpus,
    corpus_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CSS, "objectives", lambda self: [objective])
    tree = {**tiny_tree, "training": {**tiny_tree["training"], **options}}
    folder = tmp_path / "run"
    run = Run(make_configuration(tree), tiny_corpus, corpus_file, folder, [0], Devices("cpu", processes))
    if reason is None:
        run.check()
        return
    with pytest.raises(UsageError, match=reason):
        run.execute()
    assert not folder.exists()


def test_environment_says_what_it_ran_on_and_what_was_chosen(finished_run: Path, tiny_corpus: Corpus) -> None:
    found = json.loads((finished_run / "environment.json").read_text())
    assert found["corpus"]["fingerprint"] == tiny_corpus.fingerprint
    assert found["protocol"] == "validation" and found["device"] == "cpu" and found["seeds"] == [0, 1]
    assert found["versions"]["torch"] and [c["seed"] for c in found["chosen"]] == [0, 1]


def test_predictions_have_the_columns_of_the_design(finished_run: Path, tiny_corpus: Corpus) -> None:
    table = pq.read_table(finished_run / "predictions.parquet")
    columns = ["conversation_id", "utterance_id", "position", "speaker", "label", "confidence"]
    columns += [f"p_{label}" for label in tiny_corpus.spec.labels]
    start = table.column_names.index("conversation_id")
    assert table.column_names[start : start + len(columns)] == columns
    assert table.num_rows == 2 * sum(tiny_corpus.lengths("test")) and set(table["split"].to_pylist()) == {"test"}


def test_the_written_configuration_is_complete_and_repeats_the_run(
    finished_run: Path, tmp_path: Path, tiny_tree: dict, no_report: None
) -> None:
    content = yaml.safe_load((finished_run / "config.yaml").read_text())
    assert content["seeds"] == [0, 1] and content["training"]["epochs"] == 3
    assert read_configuration(file=finished_run / "config.yaml") == make_configuration(tiny_tree)
    assert (
        main(
            [
                "train",
                "--config",
                str(finished_run / "config.yaml"),
                "--out",
                str(tmp_path / "again"),
                "--quiet",
                "--device",
                "cpu",
            ]
        )
        == 0
    )
    assert same_weights(finished_run, tmp_path / "again")
    results = [json.loads((f / "results.json").read_text()) for f in (finished_run, tmp_path / "again")]
    assert results[0] == results[1]


def test_seeds_of_a_configuration_are_repeated_as_they_are(execute: Execute, tmp_path: Path, no_report: None) -> None:
    execute(tmp_path / "first", seeds=(5, 2), epochs=1)
    assert (
        main(
            [
                "train",
                "--config",
                str(tmp_path / "first" / "config.yaml"),
                "--out",
                str(tmp_path / "again"),
                "--quiet",
                "--device",
                "cpu",
            ]
        )
        == 0
    )
    assert same_weights(tmp_path / "first", tmp_path / "again")


@pytest.mark.parametrize("event", [5, 14])
def test_a_run_that_was_interrupted_in_either_seed_ends_as_one_that_was_not(
    finished_run: Path, execute: Execute, tmp_path: Path, no_report: None, event: int
) -> None:
    seen: list[int] = []

    def stop(seed: int, happened: Event) -> None:
        seen.append(seed)
        if len(seen) == event:
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        execute(tmp_path / "run", seeds=(0, 1), on_event=stop)
    results = execute(tmp_path / "run", resume=True, seeds=(0, 1))
    assert results == json.loads((finished_run / "results.json").read_text())
    assert same_weights(finished_run, tmp_path / "run")


@pytest.mark.parametrize("place", ["finish", "write_report", "aggregate"])
def test_a_run_that_was_interrupted_at_its_end_is_finished_by_resuming(
    finished_run: Path, execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise RuntimeError("stop")

    with monkeypatch.context() as patch:
        patch.setattr(Run if place == "finish" else run_module, place, stop)
        with pytest.raises(RuntimeError, match="stop"):
            execute(tmp_path / "run", epochs=1)
    calls: list[Path] = []
    monkeypatch.setattr(run_module, "write_report", lambda f: (calls.append(f), (f / "report.html").write_text("")))
    execute(tmp_path / "run", resume=True, epochs=1)
    assert calls and (tmp_path / "run" / "results.json").exists()


def test_a_run_that_was_killed_while_it_claimed_its_folder_can_be_resumed(
    execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_report: None
) -> None:
    real = folder_module.write_text
    for survived in (0, 1):
        folder, calls = tmp_path / f"run {survived}", []

        def killed(path: Path, text: str, survived: int = survived, calls: list = calls) -> None:
            if len(calls) == survived:
                (path.parent).mkdir(exist_ok=True)
                (path.parent / f".{path.name}.abc.partial").write_text(text[:5])  # what SIGKILL leaves behind
                raise KeyboardInterrupt
            calls.append(path)
            real(path, text)

        with monkeypatch.context() as patch:
            patch.setattr(folder_module, "write_text", killed)
            patch.setattr(folder_module, "write_new", killed)
            with pytest.raises(KeyboardInterrupt):
                execute(folder, epochs=1)
        assert execute(folder, resume=True, epochs=1)["seeds"] == [0]


def test_a_resumed_run_clears_what_a_kill_left_half_written(execute: Execute, tmp_path: Path, no_report: None) -> None:
    folder = tmp_path / "run"

    def stop(seed: int, event: Event) -> None:
        if event.record["kind"] == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(folder, epochs=2, on_event=stop)
    (folder / "seed-0" / ".model.safetensors.abc.partial").write_bytes(b"half")
    execute(folder, resume=True, epochs=2)
    assert not list(folder.rglob("*.partial"))


_KILLED_AT_THE_SIXTH_EVENT = """
import os, signal, sys
from crossspace.cli.main import main
from crossspace.cli.progress import TrainingProgress

seen = []


def show(self, seed, event):
    seen.append(event)
    if len(seen) == 6:
        os.kill(os.getpid(), signal.SIGKILL)


TrainingProgress.show = show
main(sys.argv[1:])
"""


@pytest.mark.long
def test_a_run_killed_by_sigkill_and_resumed_gives_the_numbers_of_an_uninterrupted_one(
    corpus_file: Path, tmp_path: Path, no_report: None
) -> None:
    words = ["train", "--data", str(corpus_file), "--quiet", "--device", "cpu", "--model.width=8", "--model.heads=2"]
    words += ["--training.epochs", "4", "--training.batch_size", "3", "--training.averaging", "0.5"]
    words += ["--checkpoint-seconds", "0"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    program = [sys.executable, "-c", _KILLED_AT_THE_SIXTH_EVENT, *words, "--out", str(killed)]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    assert (killed / "seed-0" / "checkpoint.pt").exists() and not (killed / "results.json").exists()
    assert main([*words, "--out", str(killed), "--resume"]) == 0
    assert main([*words, "--out", str(whole)]) == 0
    assert same_weights(whole, killed)
    assert (killed / "results.json").read_text() == (whole / "results.json").read_text()


def test_a_finished_run_resumed_gives_the_same_and_trains_nothing(finished_run: Path, execute: Execute) -> None:
    def never(seed: int, event: Event) -> None:
        raise AssertionError

    before = {p: p.stat().st_mtime_ns for p in finished_run.rglob("*") if p.is_file()}
    results = execute(finished_run, resume=True, seeds=(0, 1), on_event=never)
    assert results == json.loads((finished_run / "results.json").read_text())
    assert {p: p.stat().st_mtime_ns for p in finished_run.rglob("*") if p.is_file()} == before


def test_a_corpus_is_verified_once_where_training_goes_on_and_not_where_nothing_is_left(
    execute: Execute, corpus_file: Path, tmp_path: Path, no_report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, measured = Corpus.read(corpus_file), []
    own = type(corpus._features).measure
    monkeypatch.setattr(
        type(corpus._features), "measure", lambda self, groups: measured.append(self) or own(self, groups)
    )
    execute(tmp_path / "run", corpus=corpus)
    execute(tmp_path / "run", True, corpus=corpus)
    assert measured == []
    for _ in range(2):
        (tmp_path / "run" / "report.html").unlink()
        execute(tmp_path / "run", True, corpus=corpus)
    assert len(measured) == 1


def test_a_folder_in_use_is_refused_and_left_as_it_is(finished_run: Path, execute: Execute, tmp_path: Path) -> None:
    before = (finished_run / "results.json").read_bytes()
    with pytest.raises(UsageError, match="already holds a run"):
        execute(finished_run)
    assert (finished_run / "results.json").read_bytes() == before
    (tmp_path / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(UsageError, match="other files"):
            execute(tmp_path, resume)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_setting_that_only_the_model_can_refuse_leaves_nothing_behind(execute: Execute, tmp_path: Path) -> None:
    for changes in ({"class_weights": [1.0, 2.0]}, {"modalities": ["smell"]}):
        with pytest.raises(UsageError):
            execute(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_a_model_too_large_for_the_memory_is_refused_before_anything_is_written(
    corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--data", str(corpus_file), "--out", str(tmp_path / "run"), "--device", "cpu"]
    for setting, said in ((65, "heads"), (2**22, "GB"), (2**45, "cannot be built")):
        assert main([*words, "--model.width", str(setting)]) == 2
        assert said in capsys.readouterr().err and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model.dropout", "2"], "`dropout` should be between 0 and 1"),
        (["--model", "bc-lstm", "--model.width", "0"], "`width` should be at least 1"),
        (["--model.width", "null"], "`model.width` has no value"),
        (["--training.epochs", "null"], "`training.epochs` has no value"),
        (["--threads", "99999999"], "`--threads`"),
        (["--processes", "4097"], "`--processes`"),
    ],
)
def test_what_only_a_library_would_refuse_is_refused_in_words_before_anything_is_written(
    corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "run"
    assert main(["train", "--data", str(corpus_file), "--out", str(out), "--device", "cpu", *words]) == 2
    assert said in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("command", [["train"], ["study", "run", "css-stability"], ["tune", "--space", "space.yaml"]])
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    corpus_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    if command[0] == "tune":
        pytest.importorskip("optuna")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("training.batch_size: [2, 4]\n")
    assert main([*command, "--data", str(corpus_file), "--out", "run", "--device", "cuda"]) == 2
    assert "CUDA" in capsys.readouterr().err and not Path("run").exists()


def test_a_run_that_another_process_is_at_work_on_is_refused_with_who_that_is(
    execute: Execute, tmp_path: Path, no_report: None
) -> None:
    program = (
        "import sys, time; from crossspace.engine.claim import claimed\n"
        "with claimed(sys.argv[1]): print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "mine\n"
        for resume in (False, True):
            with pytest.raises(UsageError, match=rf"in use by process {other.pid} on "):
                execute(tmp_path, resume)
        other.kill()
    assert execute(tmp_path)["seeds"] == [0]
    assert not {".lock", ".holder.json"} & {p.name for p in tmp_path.iterdir()}


def test_a_run_that_another_process_has_taken_over_ends_at_its_next_step(
    execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(claim: Claim) -> None:
        claim.remove()
        claim.beat()  # as the next sign of life would be
        check(claim)

    check = Claim.check
    monkeypatch.setattr(Claim, "check", lost)
    with pytest.raises(TakenOverError, match="was taken over"):
        execute(tmp_path)
    assert not list(tmp_path.glob("seed-*/result.json"))


def test_another_configuration_is_refused_on_resuming_and_the_difference_named(
    finished_run: Path, execute: Execute
) -> None:
    with pytest.raises(UsageError, match=r"training\.learning_rate: 0\.01 in the folder, 0\.5 now"):
        execute(finished_run, resume=True, seeds=(0, 1), learning_rate=0.5)
    with pytest.raises(UsageError, match=r"seeds: \[0, 1\] in the folder, \[0\] now"):
        execute(finished_run, resume=True)


def test_another_corpus_is_refused_on_resuming(finished_run: Path, execute: Execute, tiny_corpus: Corpus) -> None:
    other = tiny_corpus.with_splits({tiny_corpus.conversation_ids("train")[0]: None})
    with pytest.raises(UsageError, match="fingerprint"):
        execute(finished_run, resume=True, seeds=(0, 1), corpus=other)


def test_a_corpus_without_a_labelled_test_split_is_refused_before_training(
    execute: Execute, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    parts = {split: list(tiny_corpus.split(split)) for split in ("train", "validation")}
    events: list[Event] = []
    with pytest.raises(UsageError, match="test"):
        execute(tmp_path / "run", corpus=Corpus(parts, tiny_corpus.spec), on_event=lambda s, e: events.append(e))
    assert not events


def test_best_on_test_is_marked_everywhere(execute: Execute, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    results = execute(folder, protocol="best-on-test", epochs=1)
    assert results["protocol"] == "best-on-test"
    assert json.loads((folder / "environment.json").read_text())["protocol"] == "best-on-test"
    assert json.loads((folder / "seed-0" / "config.json").read_text())["details"]["protocol"] == "best-on-test"
    assert json.loads((folder / "seed-0" / "result.json").read_text())["chosen_on"] == "test"
    for report in ("report.html", "report.md"):
        text = (folder / report).read_text()
        assert "best-on-test" in text and "optimistic" in text


def test_a_damaged_configuration_of_the_folder_is_told(finished_run: Path, execute: Execute, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    (tmp_path / "run" / "config.yaml").write_text("seeds: [0, 1")
    with pytest.raises(UsageError, match=r"config\.yaml"):
        execute(tmp_path / "run", resume=True, seeds=(0, 1))


def test_a_configuration_knows_itself(tiny_tree: dict) -> None:
    configuration = make_configuration(tiny_tree)
    assert isinstance(configuration, Configuration)
    again = make_configuration({k: v for k, v in configuration.to_dict().items() if k != "recipe"})
    assert again == configuration
