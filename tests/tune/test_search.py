"""A search keeps its folder in order: shared, interrupted, gone on with, trained again."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from crossspace.cli.main import main
from crossspace.configuration import make_configuration, read_configuration
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import resplit
from crossspace.data.task import TaskSpec
from crossspace.errors import MissingExtraError, UsageError, WritingError
from crossspace.predict import Predictor
from crossspace.training.devices import Devices
from crossspace.tune.folds import Folds
from crossspace.tune.order import Generations
from crossspace.tune.search import Search, settings_of
from crossspace.tune.space import Space
from crossspace.tune.trials import Trials, spread

pytest.importorskip("optuna")
OperationalError = pytest.importorskip("sqlalchemy.exc").OperationalError

SPACE = {"model.dropout": {"low": 0.0, "high": 0.5}, "training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}
MakeSearch = Callable[..., Search]


@pytest.fixture
def make_search(tiny_corpus: Corpus, tiny_tree: dict[str, dict], tmp_path: Path) -> MakeSearch:
    def make(stated: dict = SPACE, count: int = 2, seeds: int = 1, corpus: Corpus = tiny_corpus, **options) -> Search:
        tree = {**tiny_tree, "training": {**tiny_tree["training"], "epochs": 1}}
        space = Space.of(stated, make_configuration(tree))
        folds = Folds(corpus, count, range(seeds), Devices("cpu", threads=1))
        settings = settings_of(space, corpus.fingerprint, "c.parquet", count, seeds, 0)
        return Search(space, folds, settings, tmp_path / "search", **options)

    return make


def test_the_best_has_the_highest_mean_over_folds_and_is_written_as_a_configuration(
    make_search: MakeSearch, tmp_path: Path
) -> None:
    search = make_search(seeds=2)
    found = search.run(3)
    scores = {t.number: t.value for t in found.finished() if t.value is not None}
    best = found.best()
    assert best is not None and len(found.finished()) == 3 and best.value == max(scores.values())
    assert best.value == np.mean(best.user_attrs["scores"]) and len(best.user_attrs["scores"]) == 2
    assert spread(best)[1] <= best.value <= spread(best)[2]
    text = (tmp_path / "search" / "best.yaml").read_text()
    assert repr(best.value) in text and search.settings["fingerprint"] in text
    assert read_configuration(file=tmp_path / "search" / "best.yaml") == search.space.configuration(
        best.user_attrs["arguments"]
    )


def test_going_on_repeats_no_trial_and_counts_the_old_ones(make_search: MakeSearch) -> None:
    first = [t.params for t in make_search().run(2).finished()]
    found = make_search().run(4).finished()
    assert [t.params for t in found[:2]] == first
    assert len({str(t.params) for t in found}) == len(found) == 4


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("crossspace.training.checkpoint.torch.save", WritingError("Could not write checkpoint.pt: No space left")),
        (
            "optuna.storages.RDBStorage.set_trial_intermediate_value",
            OperationalError("INSERT INTO x", {}, sqlite3.OperationalError("No space left")),
        ),
    ],
)
def test_a_full_disk_is_no_fault_of_a_trial(
    make_search: MakeSearch, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(place, full)
        with pytest.raises(WritingError, match=r"Could not write .*: No space left") as caught:
            make_search().run(2)
    assert "INSERT" not in str(caught.value)
    found = make_search().run(2)
    assert not found.failed() and [t.number for t in found.finished()] == [0, 1]


def rotated(corpus: Corpus, label: str | None, shift: int) -> str | None:
    labels = corpus.spec.labels
    return None if label is None else labels[(labels.index(label) + shift) % len(labels)]


def test_no_fold_can_read_the_test_split(tiny_corpus: Corpus) -> None:
    used = {*tiny_corpus.conversation_ids("train"), *tiny_corpus.conversation_ids("validation")}
    corpora = Folds(tiny_corpus, 3, [0], Devices("cpu")).corpora
    held = [name for fold in corpora for name in fold.conversation_ids("test")]
    assert sorted(held) == sorted(used)
    for fold in corpora:
        parts = [set(fold.conversation_ids(split)) for split in ("train", "validation", "test")]
        assert set.union(*parts) == used and sum(map(len, parts)) == len(used) and all(parts)


def test_no_group_of_a_corpus_that_was_cut_by_groups_is_torn_apart(tiny_corpus: Corpus) -> None:
    groups = {name: f"pair {i // 2}" for i, name in enumerate(tiny_corpus.conversation_ids("all"))}
    corpus = resplit(tiny_corpus, groups=groups, test_fraction=0.2)
    for fold in Folds(corpus, 2, [0], Devices("cpu")).corpora:
        train, validation, held = (
            {groups[n] for n in fold.conversation_ids(s)} for s in ("train", "validation", "test")
        )
        assert train and validation and held
        assert not (train & validation) | (train & held) | (validation & held)


def test_the_labels_of_a_fold_choose_nothing(
    tiny_corpus: Corpus, tiny_tree: dict[str, dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = make_configuration({**tiny_tree, "training": {**tiny_tree["training"], "epochs": 4}})
    said: list[np.ndarray] = []
    own = Predictor.infer_corpus

    def listening(predictor: Predictor, corpus: Corpus, split: str | None) -> Any:
        found = own(predictor, corpus, split)
        said.append(found.probabilities)
        return found

    monkeypatch.setattr(Predictor, "infer_corpus", listening)
    for shift in range(3):
        folds = Folds(tiny_corpus, 3, [0], Devices("cpu", threads=1))
        fold = folds.corpora[0]
        turned: dict[str | None, list[Conversation]] = {s: list(fold.split(s)) for s in ("train", "validation")}
        turned["test"] = [
            Conversation(c.id, tuple(replace(u, label=rotated(fold, u.label, shift)) for u in c.utterances))
            for c in fold.split("test")
        ]
        folds.corpora[0] = Corpus(turned, fold.spec)
        folds.score(configuration, 0, tmp_path / str(shift))
    assert np.array_equal(said[0], said[1]) and np.array_equal(said[0], said[2])


def test_random_labels_are_not_learned_better_by_longer_training(tmp_path: Path, tiny_tree: dict[str, dict]) -> None:
    random = np.random.default_rng(0)
    labels, found = ("a", "b", "c", "d"), {}
    for number in range(30):
        rows = [
            Utterance(
                f"{number}_{place}",
                "s",
                label=labels[random.integers(4)],
                features={m: random.standard_normal(8).astype(np.float32) for m in ("text", "audio")},
            )
            for place in range(10)
        ]
        found[f"c{number}"] = Conversation(f"c{number}", tuple(rows))
    corpus = Corpus({"train": list(found.values())}, TaskSpec(labels, {"text": 8, "audio": 8}, 2))
    tree = {"model": {"name": "logistic-regression"}, "balancer": {"name": "fixed"}}
    scored = {}
    for epochs in (1, 12):
        configuration = make_configuration({**tree, "training": {"epochs": epochs, "learning_rate": 0.05}})
        folds = Folds(corpus, 5, range(2), Devices("cpu", threads=1))
        scored[epochs] = np.mean([folds.score(configuration, fold, tmp_path / "f") for fold in range(5)])
    assert abs(scored[12] - 0.25) < 0.04 and scored[12] - scored[1] < 0.03


def test_a_search_on_some_modalities_trains_on_those_alone(
    tiny_corpus: Corpus, tiny_tree: dict[str, dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {**tiny_tree, "training": {**tiny_tree["training"], "epochs": 1, "modalities": ["text"]}}
    seen = []
    monkeypatch.setattr(
        "crossspace.tune.folds.Trainer", lambda fabric, corpus, model, *rest: seen.append(model) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        Folds(tiny_corpus, 3, [0], Devices("cpu")).score(make_configuration(tree), 0, tmp_path)
    assert list(seen[0].task.widths) == ["text"]


def test_folds_need_enough_conversations(tiny_corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="from 2 to 9"):
        Folds(tiny_corpus, 10, [0], Devices("cpu"))


def test_a_trial_that_cannot_be_built_has_a_reason_and_stops_nothing(make_search: MakeSearch) -> None:
    found = make_search({"model.width": [8, 9, 11, 13, 15]}).run(5)
    assert len(found.finished()) == 5 and found.failed()
    assert all("divisible" in t.user_attrs["reason"] for t in found.failed())


def test_a_hopeless_trial_is_stopped_early(make_search: MakeSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.5] * 5 + [0.1])
    monkeypatch.setattr(Folds, "score", lambda *_: next(scores))
    news: list[str] = []
    search = make_search(on_progress=lambda progress: news.append(progress.news), at_once=5)
    assert search.run(6).finished()[-1].state.name == "PRUNED" and "stopped early" in news[-1]


def test_other_settings_in_the_same_folder_are_refused_and_named(make_search: MakeSearch) -> None:
    make_search().run(1)
    with pytest.raises(UsageError, match=r"folds: 2 in the folder, 3 now\n.*seeds: 1 in the folder, 2 now"):
        make_search(count=3, seeds=2).run(1)
    with pytest.raises(UsageError, match=r"space\.model\.dropout\.high: 0\.5 in the folder, 0\.4 now"):
        make_search({**SPACE, "model.dropout": {"low": 0.0, "high": 0.4}}).run(1)


def test_a_folder_with_other_files_is_refused(make_search: MakeSearch, tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        make_search().run(1)


def test_an_interrupted_trial_is_gone_on_with_under_its_number(
    make_search: MakeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Folds, "score", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_search().run(2)
    found = make_search().run(2)
    assert [t.number for t in found.finished()] == [0, 1] and not found.running()


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, make_search: MakeSearch, tmp_path: Path) -> None:
    search = make_search()
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"crossspace\[tune\]"):
        search.run(1)
    assert not (tmp_path / "search").exists()


@pytest.fixture
def command(corpus_file: Path, tiny_tree: dict[str, dict], tmp_path: Path) -> list[str]:
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(SPACE))
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(tiny_tree))
    words = ["tune", "--space", tmp_path / "space.yaml", "--data", corpus_file, "--config", tmp_path / "base.yaml"]
    return [str(w) for w in [*words, "--out", tmp_path / "search", "--folds", 2, "--device", "cpu", "--threads", 1]]


def start(command: list[str]) -> subprocess.Popen[bytes]:
    program = "import sys; from crossspace.cli.main import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.Popen([sys.executable, "-c", program, *command], stdout=subprocess.DEVNULL)


@pytest.mark.long
def test_two_processes_share_a_search(command: list[str], tmp_path: Path) -> None:
    both = [start([*command, "--trials", "4", "--shared"]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    found = Trials(tmp_path / "search")
    assert len(found.finished()) == 4 and not found.running() and not list((tmp_path / "search" / "trials").iterdir())
    assert len({str(t.params) for t in found.finished()}) == 4


def test_a_trial_that_another_process_has_just_finished_leaves_no_folder(make_search: MakeSearch) -> None:
    search = make_search()
    known = search.run(1)
    (trial,) = known.finished()
    # As this process sees it between the result and the end of the other's claim.
    search._folder(trial.number).mkdir(parents=True)
    search._try(known, Generations(known, search.space.draw, 8), trial.number, 1)
    assert not search._folder(trial.number).exists()


_KILLED = """
import os, signal, sys
from crossspace.cli.main import main
from crossspace.training.checkpoint import Checkpoints
from crossspace.training.trainer import Trainer
epochs, limit, own = [0], int(sys.argv[1]), Trainer._save
Trainer._is_due = lambda trainer, number: False
Checkpoints.is_due = lambda checkpoints: True
def save(trainer, position):
    own(trainer, position)
    trainer.checkpoints.wait()  # until it is on the disk
    epochs[0] += 1
    if epochs[0] == limit:
        os.kill(os.getpid(), signal.SIGKILL)
Trainer._save = save
main(sys.argv[2:])
"""


@pytest.mark.long
def test_a_killed_search_runs_the_trials_of_one_that_was_not(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*command, "--trials", "3", "--training.epochs", "2"]
    assert main(words) == 0
    whole = Trials(tmp_path / "search").finished()
    texts = (tmp_path / "search" / "best.yaml").read_text()
    shutil.rmtree(tmp_path / "search")
    for limit in (1, 4):  # in the first epoch of all; in the last fold of the trial after
        process = subprocess.run([sys.executable, "-c", _KILLED, str(limit), *words], stdout=subprocess.DEVNULL)
        assert process.returncode == -signal.SIGKILL and Trials(tmp_path / "search").running()
    assert main(words) == 0
    found = Trials(tmp_path / "search")
    assert [(t.number, t.params, t.value, t.user_attrs) for t in found.finished()] == [
        (t.number, t.params, t.value, t.user_attrs) for t in whole
    ]
    assert (tmp_path / "search" / "best.yaml").read_text() == texts and not found.running()
    assert not list((tmp_path / "search" / "trials").iterdir())
    capsys.readouterr()
    assert main(["tune", "--rerun", str(tmp_path / "search"), "--device", "cpu", "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "equal to the last digit" in printed and printed.count(repr(found.best().value)) == 2  # type: ignore[union-attr]


def test_a_folder_in_which_another_process_searches_is_refused(make_search: MakeSearch, tmp_path: Path) -> None:
    program = (
        "import sys; from crossspace.engine.claim import claimed\nwith claimed(sys.argv[1]): print(); sys.stdin.read()"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "search")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        for shared in (False, True):
            with pytest.raises(UsageError, match=rf"in use by process {other.pid}.* shared"):
                make_search(shared=shared).run(1)
        other.kill()
    assert len(make_search().run(1).finished()) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], ["--space", "--data", "--out"]),
        (["--trials", "0"], ["--trials"]),
        (["--rerun", "nowhere"], ["nowhere", "tune.yaml"]),
        (["--space", "no.yaml", "--data", "{corpus}", "--out", "o"], ["no.yaml"]),
        (["--space", "a", "--data", "b", "--out", "c", "--recipe", "d", "--config", "e"], ["--recipe", "--config"]),
    ],
)
def test_a_mistake_is_told(
    words: list[str], named: list[str], corpus_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", *(word.format(corpus=corpus_file) for word in words)]) == 2
    printed = capsys.readouterr().err
    assert all(word in printed for word in named)
