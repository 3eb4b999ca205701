"""Claims of other machines: watched without any clock but one's own, taken over once, and never by two."""

from __future__ import annotations

import errno
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from crossspace.engine import claim as claiming
from crossspace.engine import owner as owners
from crossspace.engine import watch as watching
from crossspace.engine.beating import TakenOverError
from crossspace.engine.claim import ClaimedError, check_unclaimed, claimed, claimed_in_turn, is_claimed, strangers
from crossspace.engine.owner import Owner, claim_path, newest, this_process
from crossspace.engine.watch import PATIENCE, Watch
from crossspace.errors import CrossspaceError, CrossspaceWarning


class Clock:
    """A clock that goes on when somebody pauses, and then lets something happen."""

    def __init__(self) -> None:
        self.now, self.meanwhile = 0.0, lambda: None

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watching, "clock", lambda: made.now)
    monkeypatch.setattr(watching, "pause", made.pause)
    return made


class NoLock:
    """What a lock is on a file system that shares none between machines: everybody has it."""

    def __init__(self, path: object, timeout: float = 0) -> None:
        pass

    def acquire(self, timeout: float) -> None:
        pass

    def release(self) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Go to another machine, where no lock of this one is seen."""
    monkeypatch.setattr(claiming.filelock, "FileLock", NoLock)

    def go(boot: str) -> None:
        monkeypatch.setattr(owners, "this_boot", lambda: boot)

    return go


def left_by(folder: Path, boot: str, generation: int = 1) -> Owner:
    """What a dead process on another machine leaves."""
    owner = replace(this_process(generation), boot=boot, host=f"host of {boot}", process=7)
    folder.mkdir(exist_ok=True)
    claim_path(folder, generation).write_text(owner.text())
    return owner


def beat(folder: Path, owner: Owner, times: int = 1) -> None:
    claim_path(folder, owner.generation).write_text(replace(owner, beat=owner.beat + times).text())


@contextmanager
def noted() -> Iterator[list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", CrossspaceWarning)
        words: list[str] = []
        yield words
        words += [str(w.message) for w in said]


def test_a_dead_owner_elsewhere_is_taken_over_after_patience_and_named(tmp_path: Path, clock: Clock) -> None:
    dead = left_by(tmp_path, "b")
    with noted() as words, claimed(tmp_path) as claim:
        assert clock.now == PATIENCE and claim.owner.generation == dead.generation + 1
    assert "process 7 on host of b" in words[0] and "60 seconds" in words[0]
    assert not list(tmp_path.iterdir())


def test_an_owner_elsewhere_that_gives_a_sign_of_life_is_respected(tmp_path: Path, clock: Clock) -> None:
    owner = left_by(tmp_path, "b")
    clock.meanwhile = lambda: beat(tmp_path, owner) if clock.now > 50 else None
    with (
        noted(),
        pytest.raises(ClaimedError, match="in use by process 7 on host of b"),
        claimed(tmp_path),
    ):
        raise AssertionError
    assert 50 < clock.now < PATIENCE and newest(tmp_path) == replace(owner, beat=1)


def test_an_owner_elsewhere_that_leaves_meanwhile_makes_room(tmp_path: Path, clock: Clock) -> None:
    left_by(tmp_path, "b")
    clock.meanwhile = lambda: claim_path(tmp_path, 1).unlink(missing_ok=True)
    with noted(), claimed(tmp_path) as claim:
        assert claim.owner.generation == 1 and clock.now < PATIENCE


def test_a_dead_owner_of_this_machine_is_taken_over_at_once(tmp_path: Path, clock: Clock) -> None:
    left_by(tmp_path, owners.this_boot())
    with noted() as words, claimed(tmp_path):
        assert clock.now == 0
    assert words == []


def test_clocks_that_differ_change_nothing(tmp_path: Path, clock: Clock) -> None:
    owner = left_by(tmp_path, "b")
    claim_path(tmp_path, 1).write_text(replace(owner, since="2099-01-01").text())
    with noted(), claimed(tmp_path):
        assert clock.now == PATIENCE


def test_a_lock_that_outlived_its_machine_is_let_go(tmp_path: Path, clock: Clock) -> None:
    left_by(tmp_path, "b")
    with claiming.filelock.FileLock(tmp_path / claiming.LOCK), noted(), claimed(tmp_path) as claim:
        assert claim.owner.generation == 2
        assert is_claimed(tmp_path)


def test_without_locks_even_an_owner_of_this_machine_is_watched(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(NoLock, "acquire", fails)
    monkeypatch.setattr(claiming.filelock, "FileLock", NoLock)
    left_by(tmp_path, owners.this_boot())
    with noted(), claimed(tmp_path):
        assert clock.now == PATIENCE


def test_one_that_was_suspended_learns_who_took_over_and_leaves_the_folder_alone(
    tmp_path: Path, clock: Clock, at: Callable[[str], None]
) -> None:
    at("a")
    with claimed(tmp_path) as first:
        first.end()  # suspended: it beats no more
        at("b")
        with noted(), claimed(tmp_path) as second:
            first.check()  # it has not looked yet
            at("a")
            first.beat()
            assert first.is_lost and first.owner.beat == 0
            with pytest.raises(TakenOverError, match=rf"{tmp_path} was taken over by process \d+ on .* suspended"):
                first.check()
            at("b")
            second.beat()
            second.check()
            assert newest(tmp_path) == second.owner
    assert strangers(tmp_path) == [] and newest(tmp_path) is None


def test_one_that_was_suspended_until_the_other_had_ended_knows_it_too(
    tmp_path: Path, clock: Clock, at: Callable[[str], None]
) -> None:
    at("a")
    with claimed(tmp_path) as first:
        first.end()
        at("b")
        with noted(), claimed(tmp_path):
            pass
        at("a")
        first.beat()
        with pytest.raises(TakenOverError, match="which has ended"):
            first.check()
    assert newest(tmp_path) is None


@pytest.mark.parametrize("has_dead_owner", [True, False])
def test_of_many_that_take_over_at_once_exactly_one_does(
    tmp_path: Path, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, has_dead_owner: bool
) -> None:
    at("nobody")
    monkeypatch.setattr(owners, "this_boot", lambda: f"machine {threading.get_ident()}")
    monkeypatch.setattr(watching, "PATIENCE", 0.2)
    if has_dead_owner:
        left_by(tmp_path, "b")
    together, over = threading.Barrier(10), threading.Event()
    won: list[int] = []
    lost: list[str] = []

    def race() -> None:
        together.wait()
        try:
            with claimed(tmp_path) as claim:
                won.append(claim.owner.generation)
                while not over.wait(0.01):
                    claim.beat()
        except ClaimedError as error:
            lost.append(str(error))

    racers = [threading.Thread(target=race) for _ in range(10)]
    with noted():
        for racer in racers:
            racer.start()
        while len(lost) < 9:
            over.wait(0.01)
        over.set()
        for racer in racers:
            racer.join()
    assert won == [1 + has_dead_owner] and len(lost) == 9
    assert newest(tmp_path) is None and not list(tmp_path.glob("*.partial"))


def test_who_polls_does_not_wait_and_knows_the_dead_in_time(tmp_path: Path, clock: Clock) -> None:
    dead, watch = left_by(tmp_path, "b"), Watch()
    assert is_claimed(tmp_path) and not watch.dead_in(tmp_path)
    with pytest.raises(ClaimedError), claimed(tmp_path, dead=()):
        raise AssertionError
    clock.now = PATIENCE
    marks = watch.dead_in(tmp_path)
    assert is_claimed(tmp_path) and not is_claimed(tmp_path, marks)
    beat(tmp_path, dead)
    assert is_claimed(tmp_path, marks) and not watch.dead_in(tmp_path)
    with pytest.raises(ClaimedError), claimed(tmp_path, dead=marks):
        raise AssertionError
    claim_path(tmp_path, 1).write_text(dead.text())
    with claimed(tmp_path, dead=marks) as claim:
        assert claim.owner.generation == 2 and clock.now == PATIENCE


def test_a_turn_comes_when_the_holder_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = ExitStack()
    held.enter_context(claimed(tmp_path))
    pauses: list[float] = []
    monkeypatch.setattr(claiming, "pause", lambda seconds: pauses.append(seconds) or held.close())
    with claimed_in_turn(tmp_path):
        assert len(pauses) == 1


def test_only_who_wants_the_folder_waits(tmp_path: Path, clock: Clock) -> None:
    left_by(tmp_path / "inner", "b")
    (tmp_path / "inner" / ".half.x.partial").touch()
    with claimed(tmp_path):
        assert clock.now == 0 and (tmp_path / "inner" / ".half.x.partial").exists()
    with noted() as words:
        check_unclaimed(tmp_path / "inner")
    assert clock.now == PATIENCE and len(words) == 1


def test_a_beat_that_cannot_be_written_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = threading.Event()

    def write(path: Path, text: str) -> None:
        if not failures:
            beats.set()
            return
        raise failures.pop()

    failures = [CrossspaceError("No space left"), OSError(5, "gone")]
    monkeypatch.setattr("crossspace.engine.beating.BEAT", 0.01)
    with claimed(tmp_path) as claim:
        monkeypatch.setattr("crossspace.engine.beating.write_text", write)
        assert beats.wait(10)
        claim.check()


def test_a_network_that_fails_for_a_moment_loses_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    with claimed(tmp_path) as claim:
        for name in ("os.listdir", "pathlib.Path.read_bytes"):
            with monkeypatch.context() as patched:
                patched.setattr(name, stale)
                with pytest.raises(OSError, match="Stale"):
                    claim.beat()
        claim.beat()
        claim.check()


def test_no_password_stands_in_a_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/bin/crossspace", "tune", "--storage", "postgresql://me:secret@host/db"])
    with claimed(tmp_path):
        text = claim_path(tmp_path, 1).read_text()
    assert "postgresql://me:***@host/db" in text and "secret" not in text
