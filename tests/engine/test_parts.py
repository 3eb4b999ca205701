from __future__ import annotations

import os
from pathlib import Path

import pytest

from crossspace.engine.claim import claimed
from crossspace.engine.making import Piece, make_parts
from crossspace.engine.parts import Outcome, PartsFolder, Shard, key_of
from crossspace.engine.work import Report, Work
from crossspace.errors import DataError, UsageError

PIECES = [Piece(i, (f"a{i}", f"b{i}"), (i, i + 100)) for i in range(7)]


def begin(target: str) -> PartsFolder:
    return PartsFolder(target)


def make(folder: PartsFolder, piece: Piece[int], report: Report) -> Outcome:
    """Writes its contents and how often they were asked for."""
    if 103 in piece.contents:
        os._exit(3)
    if 5 in piece.contents:
        raise DataError("five is too many")
    path = folder.part(key_of(piece.contents))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.read_text() + "!" if path.exists() else "!")
    return Outcome([key_of(piece.contents)])


def made(target: Path, shard: Shard | None = None, pieces=PIECES, plan: str = "this", jobs: int = 1):
    return make_parts(
        PartsFolder(target), {"what": plan}, pieces, Work(begin, make, str(target)), shard=shard, jobs=jobs
    )


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_shards_share_everything_and_nothing_twice(count: int) -> None:
    shares = [Shard(n, count).of(PIECES) for n in range(1, count + 1)]
    places = [place for share in shares for place in share]
    assert sorted(places) == list(range(7)) and all(
        share[place] == PIECES[place] for share in shares for place in share
    )


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/3/4", "-1/3", "1/0", ""])
def test_a_shard_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="I/N"):
        Shard.parse(text)


def test_a_piece_that_kills_its_process_is_done_again_one_by_one(tmp_path: Path) -> None:
    outcomes = made(tmp_path / "t", jobs=2)
    assert list(outcomes) == list(range(7))
    assert [len(o.parts) for o in outcomes.values()] == [1, 1, 1, 1, 1, 0, 1]
    assert list(outcomes[3].failures) == ["b3"] and "exit code 3" in outcomes[3].failures["b3"]
    assert outcomes[3].parts == [key_of((3,))]
    assert outcomes[5].failures == dict.fromkeys(("a5", "b5"), "five is too many")


SOUND = [piece for piece in PIECES if piece.place not in (3, 5)]
SOUND = [Piece(i, piece.members, piece.contents) for i, piece in enumerate(SOUND)]


def test_what_shards_made_is_merged_once_all_have_ended(tmp_path: Path) -> None:
    folder = PartsFolder(tmp_path / "t")
    with pytest.raises(DataError, match="Found nothing"):
        folder.plan()
    whole = made(tmp_path / "other", pieces=SOUND)
    for number in (3, 1):
        made(tmp_path / "t", Shard(number, 3), SOUND)
    with pytest.raises(DataError, match="Not ended: 2/3"):
        folder.outcomes()
    with claimed(folder.shard(Shard(2, 3))), pytest.raises(UsageError, match="in use"), folder.claim():
        pass
    made(tmp_path / "t", Shard(2, 3), SOUND)
    assert folder.outcomes() == list(whole.values())
    made(tmp_path / "t", Shard(1, 2), SOUND)
    with pytest.raises(UsageError, match="2 and of 3"):
        folder.outcomes()


def test_shards_of_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    made(tmp_path / "t", Shard(1, 3), SOUND)
    with pytest.raises(UsageError, match="what: 'this' in the folder, 'that' now"):
        made(tmp_path / "t", Shard(2, 3), SOUND, "that")
    with pytest.raises(UsageError, match="items: 5 in the folder, 4 now"):
        made(tmp_path / "t", Shard(2, 3), SOUND[:4])
    with pytest.raises(UsageError, match="shards with other settings"):
        made(tmp_path / "t", None, SOUND, "that")


def test_a_whole_that_was_interrupted_is_begun_anew_with_other_settings(tmp_path: Path) -> None:
    made(tmp_path / "t", None, SOUND)
    made(tmp_path / "t", None, SOUND, "that")
    assert PartsFolder(tmp_path / "t").plan()["what"] == "that"


def test_a_damaged_plan_or_record_is_named(tmp_path: Path) -> None:
    made(tmp_path / "t", Shard(1, 1), SOUND)
    folder = PartsFolder(tmp_path / "t")
    record = folder.path / "shard-1-of-1" / "done.json"
    record.write_text(record.read_text()[:-9])
    with pytest.raises(DataError, match="Run shard 1/1 again"):
        folder.outcomes()
    (folder.path / "plan.json").write_text("{")
    with pytest.raises(DataError, match=r"plan\.json"):
        folder.plan()
