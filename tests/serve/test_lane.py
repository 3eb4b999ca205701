from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from crossspace.serve import sharing
from crossspace.serve.lane import Lane
from crossspace.serve.refusal import Refusal
from crossspace.serve.sharing import TURN, share


def test_jobs_of_a_lane_run_one_after_the_other_and_all_answer():
    running, most = [], []

    def job(progress) -> int:
        running.append(1)
        most.append(len(running))
        running.pop()
        return len(most)

    async def all_of_them() -> list[int]:
        lane = Lane("test", 20)

        async def one() -> int:
            with lane.place() as place:
                return await place.run(job, timeout=90)

        return await asyncio.gather(*[one() for _ in range(20)])

    assert sorted(asyncio.run(all_of_them())) == list(range(1, 21)) and set(most) == {1}


def test_a_client_that_goes_away_stops_its_job_and_what_waits_is_never_begun():
    began, ended, cleaned = threading.Event(), threading.Event(), []

    def long(progress) -> None:
        began.set()
        try:
            while True:
                progress()
        finally:
            ended.set()

    async def scene() -> None:
        lane, gone = Lane("test", 2), asyncio.Event()

        async def one(job, gone) -> None:
            with lane.place() as place:
                place.afterwards(lambda: cleaned.append(job))
                await place.run(job, timeout=90, disconnected=gone.wait())

        first = asyncio.ensure_future(one(long, gone))
        while not began.is_set():
            await asyncio.sleep(0.001)
        now = asyncio.Event()
        now.set()
        with pytest.raises(Refusal):
            await one(pytest.fail, now)
        gone.set()
        with pytest.raises(Refusal):
            await first
        while lane.inside:
            await asyncio.sleep(0.001)

    asyncio.run(scene())
    assert ended.is_set() and cleaned == [pytest.fail, long]


def test_an_utterance_waits_for_one_turn_of_a_long_job_and_not_for_its_end(monkeypatch):
    seen, made, begun = [], [], threading.Event()

    class Counter(sharing.Turns):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(sharing, "Turns", Counter)

    def extract(items):
        begun.set()
        # The first turn of the long job lasts until the utterance has asked for its own.
        while made[0]._asked < 2:
            time.sleep(0.001)
        seen.extend(items)
        return list(items)

    extractor = SimpleNamespace(extract=extract)
    share(extractor)
    long = threading.Thread(target=extractor.extract, args=(list(range(100 * TURN)),))
    long.start()
    begun.wait()
    assert extractor.extract(["now"]) == ["now"]
    assert seen.index("now") == TURN
    long.join()
    assert [item for item in seen if item != "now"] == list(range(100 * TURN))


def test_a_shared_extractor_stops_a_job_that_is_no_longer_wanted():
    extracted = []
    extractor = SimpleNamespace(extract=lambda items: extracted.append(items) or list(items))
    share(extractor)
    assert extractor.extract(["a"]) == ["a"]

    def job(progress) -> None:
        while True:
            extractor.extract(["b"])

    async def scene() -> None:
        lane = Lane("test", 1)
        with lane.place() as place, pytest.raises(Refusal) as refused:
            await place.run(job, timeout=0.05)
        assert refused.value.status == 504
        while lane.inside:
            await asyncio.sleep(0.001)

    asyncio.run(scene())
    assert len(extracted) > 1
