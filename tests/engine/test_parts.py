from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from crossspace.engine.claim import claimed
from crossspace.engine.making import Piece, make_parts
from crossspace.engine.parts import Outcome, PartsFolder, Unwritten, key_of
from crossspace.engine.shard import Shard
from crossspace.engine.work import Report, Work
from crossspace.errors import DataError, UsageError, WritingError

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


@pytest.mark.parametrize(
    "record",
    [
        {"0": {"parts": ["../../elsewhere"], "failures": {}}},
        {"0": {"parts": ["/etc/passwd"], "failures": {}}},
        {"0": {"parts": "abc", "failures": {}}},
        {"0": {"parts": 5, "failures": {}}},
        {"0": {"parts": [], "failures": 5}},
        {"0": {"parts": [], "failures": {"a": 5}}},
        {"0": {"parts": [], "failures": {}}},
        {"0": {}},
        {"0": {"parts": [key_of(0)], "failures": {}}, "9": {"parts": [key_of(0)], "failures": {}}},
        {},
        [],
    ],
)
def test_a_record_that_no_shard_writes_is_damaged(tmp_path: Path, record: object) -> None:
    made(tmp_path / "t", Shard(1, 1), SOUND[:1])
    folder = PartsFolder(tmp_path / "t")
    (folder.path / "shard-1-of-1" / "done.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match="Run shard 1/1 again"):
        folder.outcomes()


def test_a_plan_that_somebody_has_edited_is_written_anew_and_costs_no_part(tmp_path: Path) -> None:
    made(tmp_path / "t", Shard(1, 1), SOUND)
    folder = PartsFolder(tmp_path / "t")
    plan = folder.path / "plan.json"
    plan.write_text(plan.read_text().replace(": 5", ": 100000000000"))
    with pytest.raises(DataError, match="Remove it and run the same commands again"):
        folder.outcomes()
    plan.unlink()
    made(tmp_path / "t", Shard(1, 1), SOUND)
    assert folder.plan() == {"items": 5, "what": "this"} and len(folder.outcomes()) == 5


def test_folders_that_are_named_like_shards_that_cannot_be_are_not_theirs(tmp_path: Path) -> None:
    made(tmp_path / "t", Shard(1, 1), SOUND)
    folder = PartsFolder(tmp_path / "t")
    for name in ("shard-9-of-2", "shard-0-of-0", "shard-1-of-99999999999999999999"):
        (folder.path / name).mkdir()
        (folder.path / name / "done.json").write_text("{}")
    assert len(folder.outcomes()) == 5


def test_removing_the_parts_leaves_what_somebody_else_put_beside_them(tmp_path: Path) -> None:
    made(tmp_path / "t", Shard(1, 1), SOUND)
    folder = PartsFolder(tmp_path / "t")
    (folder.path / "notes.txt").write_text("mine")
    folder.remove()
    assert [p.name for p in tmp_path.rglob("*")] == ["t.parts", "notes.txt"]
    made(tmp_path / "u", Shard(1, 1), SOUND)
    (tmp_path / "u.parts").rename(tmp_path / "scratch")
    (tmp_path / "u.parts").symlink_to(tmp_path / "scratch")
    PartsFolder(tmp_path / "u").remove()
    assert not list((tmp_path / "scratch").iterdir())


def test_a_shard_and_the_whole_are_not_made_at_once(tmp_path: Path) -> None:
    with PartsFolder(tmp_path / "t").claim(), pytest.raises(UsageError, match="in use"):
        made(tmp_path / "t", Shard(1, 3), SOUND)
    made(tmp_path / "t", Shard(1, 3), SOUND)
    # Nor does the only shard of one take the plan of others for its own.
    with pytest.raises(UsageError, match="other settings"):
        made(tmp_path / "t", Shard(1, 1), SOUND, "that")


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_target_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="name of a file"):
        PartsFolder(name)


def test_a_folder_is_no_target_and_found_out_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    with pytest.raises(UsageError, match="Found a folder"):
        made(tmp_path / "t", None, SOUND)
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def full(folder: PartsFolder, piece: Piece[int], report: Report) -> Outcome | Unwritten:
    return Unwritten("the disk is full") if piece.place == 2 else make(folder, piece, report)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_part_that_cannot_be_written_stops_the_work_and_is_no_failure_of_its_items(tmp_path: Path, jobs: int) -> None:
    target = tmp_path / "t"
    with pytest.raises(WritingError, match="the disk is full"):
        make_parts(PartsFolder(target), {}, SOUND, Work(begin, full, str(target)), shard=Shard(), jobs=jobs)
    folder = PartsFolder(target)
    assert not (folder.shard(Shard()) / "done.json").exists() and list((folder.path / "parts").iterdir())
