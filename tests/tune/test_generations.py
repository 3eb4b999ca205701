"""What a search finds depends on nothing but what was asked for: not on who took part, nor on who was killed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from crossspace.cli.main import main
from crossspace.engine.beating import Claim, TakenOverError
from crossspace.errors import UsageError
from crossspace.tune.folds import Folds
from crossspace.tune.search import Search
from crossspace.tune.trials import Trials

pytestmark = pytest.mark.long

pytest.importorskip("optuna")

FreeSearch = Callable[..., Search]
TOTAL = 14
Table = list[tuple[Any, ...]]
_ALONE: list[tuple[Table, bytes]] = []


def _of(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table: Callable[[Trials], Table] = _of("conftest").table


@pytest.fixture
def alone(free_search: FreeSearch, tmp_path: Path) -> tuple[Table, bytes]:
    """What one process finds, undisturbed; searched once."""
    if not _ALONE:
        found = table(free_search("alone", at_once=4).run(TOTAL))
        _ALONE.append((found, (tmp_path / "alone" / "best.yaml").read_bytes()))
    return _ALONE[0]


def test_a_search_draws_stops_and_fails_as_it_should_here(alone: tuple[Table, bytes]) -> None:
    found, _ = alone
    assert [row[0] for row in found] == list(range(TOTAL))
    assert {row[1] for row in found} == {"COMPLETE", "PRUNED", "FAIL"}
    assert len({str(row[3]) for row in found}) == TOTAL
    assert all(row[1] != "PRUNED" for row in found[:8])


@pytest.mark.parametrize("storage", ["sqlite", "journal"])
def test_three_together_find_what_one_alone_finds(
    free_search: FreeSearch, alone: tuple[Table, bytes], tmp_path: Path, storage: str
) -> None:
    def search() -> None:
        free_search("three", at_once=4, shared=True, storage=storage).run(TOTAL)

    three = [Thread(target=search) for _ in range(3)]
    for one in three:
        one.start()
    for one in three:
        one.join()
    assert table(Trials(tmp_path / "three")) == alone[0]
    assert (tmp_path / "three" / "best.yaml").read_bytes() == alone[1]
    assert not list((tmp_path / "three" / "trials").iterdir())


def test_interrupted_again_and_again_it_finds_the_same(
    free_search: FreeSearch, alone: tuple[Table, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, calls = Folds.score, [0]

    def interrupted(*arguments: Any) -> float:
        calls[0] += 1
        if calls[0] % 5 == 0:
            raise KeyboardInterrupt
        return own(*arguments)

    monkeypatch.setattr(Folds, "score", interrupted)
    for _ in range(TOTAL):
        try:
            free_search("killed", at_once=4).run(TOTAL)
        except KeyboardInterrupt:
            continue
        break
    assert calls[0] > TOTAL and table(Trials(tmp_path / "killed")) == alone[0]
    assert (tmp_path / "killed" / "best.yaml").read_bytes() == alone[1]


@pytest.mark.parametrize("place", ["set_trial_param", "set_trial_user_attr", "set_trial_state_values"])
def test_killed_while_it_draws_it_draws_the_same_again(
    free_search: FreeSearch, alone: tuple[Table, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    import optuna

    own, calls = getattr(optuna.storages.RDBStorage, place), [0]

    def killed(*arguments: Any, **options: Any) -> Any:
        done = own(*arguments, **options)
        calls[0] += 1
        if calls[0] in (2, 3, 9):
            raise KeyboardInterrupt
        return done

    for _ in range(4):
        with monkeypatch.context() as patched:
            patched.setattr(optuna.storages.RDBStorage, place, killed)
            try:
                free_search("killed", at_once=4).run(5)
            except KeyboardInterrupt:
                continue
            break
    assert calls[0] >= 9 and table(Trials(tmp_path / "killed")) == alone[0][:5]


def test_searched_further_it_finds_what_it_would_have_found_at_once(
    free_search: FreeSearch, alone: tuple[Table, bytes], tmp_path: Path
) -> None:
    for total in (3, 4, TOTAL):
        assert table(free_search("longer", at_once=4).run(total)) == alone[0][:total]
    assert (tmp_path / "longer" / "best.yaml").read_bytes() == alone[1]


def test_a_trial_made_twice_waits_for_its_generation(
    free_search: FreeSearch, alone: tuple[Table, bytes], tmp_path: Path
) -> None:
    free_search("twice", at_once=4).run(2)
    Trials(tmp_path / "twice").make(7)  # as where several make the next one at the same moment
    assert table(free_search("twice", at_once=4).run(2)) == alone[0][:2]
    assert table(free_search("twice", at_once=4).run(TOTAL)) == alone[0]


def test_a_trial_that_was_taken_over_is_left_to_the_other(
    free_search: FreeSearch, alone: tuple[Table, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [0]

    def lost(_: Claim) -> None:
        calls[0] += 1
        if calls[0] in (1, 4):
            raise TakenOverError("by another")

    monkeypatch.setattr(Claim, "check", lost)
    assert table(free_search(at_once=4).run(3)) == alone[0][:3]


def test_the_size_of_a_generation_is_remembered_and_another_one_refused(
    free_search: FreeSearch, tmp_path: Path
) -> None:
    free_search(at_once=3).run(1)
    assert yaml.safe_load((tmp_path / "search" / "tune.yaml").read_text())["at_once"] == 3
    free_search().run(2)
    with pytest.raises(UsageError, match="at_once: 3 in the folder, 4 now"):
        free_search(at_once=4).run(3)
    with pytest.raises(UsageError, match=r"`--at-once` should be at least 1\. Found 0"):
        free_search("new", at_once=0)
    free_search("usual").run(1)
    assert yaml.safe_load((tmp_path / "usual" / "tune.yaml").read_text())["at_once"] == 8


def test_a_search_of_an_earlier_release_goes_on_as_it_did(free_search: FreeSearch, tmp_path: Path) -> None:
    expected = table(free_search("each", at_once=1).run(11))
    free_search().begin()
    path = tmp_path / "search" / "tune.yaml"
    settings = yaml.safe_load(path.read_text())
    earlier = {k: v for k, v in settings.items() if k not in ("at_once", "storage", "study")}
    path.write_text(yaml.safe_dump(earlier, sort_keys=False))
    free_search().run(6)
    found = free_search().run(11)
    assert yaml.safe_load(path.read_text()) == earlier
    # One process alone drew from all earlier trials: generations of one.
    assert table(found) == expected
    with pytest.raises(UsageError, match="at_once: None in the folder, 8 now"):
        free_search(at_once=8).run(12)


def test_jobs_find_what_one_process_finds(
    corpus_file: Path, tiny_tree: dict[str, dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "space.yaml").write_text(yaml.safe_dump({"model.dropout": {"low": 0.0, "high": 0.5}}))
    tree = {**tiny_tree, "training": {**tiny_tree["training"], "epochs": 1}}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(tree))
    words = ["tune", "--space", tmp_path / "space.yaml", "--data", corpus_file, "--config", tmp_path / "base.yaml"]
    words += ["--trials", 3, "--folds", 2, "--device", "cpu", "--at-once", 2]
    for jobs in (1, 2):
        assert main([*map(str, words), "--out", str(tmp_path / str(jobs)), "--jobs", str(jobs)]) == 0
    assert capsys.readouterr().out.count("Configuration: ") == 2
    assert table(Trials(tmp_path / "2")) == table(Trials(tmp_path / "1"))
    assert (tmp_path / "2" / "best.yaml").read_bytes() == (tmp_path / "1" / "best.yaml").read_bytes()
