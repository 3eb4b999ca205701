from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from crossspace.errors import DataError
from crossspace.serve.lane import Stopped
from crossspace.serve.refusal import Refusal
from crossspace.serve.worker import Worker, WorkerError


def told(text, say):
    say("begun")
    return text[::-1], os.getpid()


def refused(kind, say):
    raise Refusal(413, "Too much.", retry_after=3) if kind == "refusal" else DataError("Bad.")


def broken(say):
    raise ZeroDivisionError("a fault of ours")


def died(say):
    os.kill(os.getpid(), signal.SIGKILL)


def stuck(say):
    say("begun")
    time.sleep(600)


@pytest.fixture(scope="module")
def worker():
    worker = Worker("test")
    yield worker
    worker.end()


def test_work_is_done_over_there_and_news_come_on_the_way(worker):
    heard = []
    text, process = worker.call(told, "abc", said=lambda stage="": heard.append(stage))
    assert text == "cba" and process == worker.process != os.getpid()
    assert "begun" in heard
    assert worker.call(told, "abc")[1] == process


def test_a_fault_over_there_is_raised_here_and_the_process_goes_on(worker):
    process = worker.call(told, "a")[1]
    with pytest.raises(Refusal, match="Too much") as fault:
        worker.call(refused, "refusal")
    assert (fault.value.status, fault.value.retry_after) == (413, 3)
    with pytest.raises(DataError, match="Bad"):
        worker.call(refused, "data")
    with pytest.raises(WorkerError, match="a fault of ours"):
        worker.call(broken)
    assert worker.call(told, "a")[1] == process


def test_a_process_that_dies_is_an_answer_and_a_new_one_is_begun(worker):
    with pytest.raises(Refusal, match="crashed") as fault:
        worker.call(died)
    assert fault.value.status == 422
    assert worker.call(told, "ab")[0] == "ba"


def test_work_that_is_no_longer_wanted_ends_with_its_process(worker):
    process, begun = worker.call(told, "a")[1], threading.Event()

    def wanted(stage: str = "") -> None:
        if stage:
            begun.set()
        elif begun.is_set():
            raise Stopped

    with pytest.raises(Stopped):
        worker.call(stuck, said=wanted)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert worker.call(told, "ab")[0] == "ba"


def test_another_thread_ends_the_process_but_closes_no_line_that_is_listened_to():
    worker, begun, ended, seen = Worker("shared"), threading.Event(), threading.Event(), []

    def wanted(stage: str = "") -> None:
        if stage:
            spawned = worker._spawned
            begun.set()
            spawned.process.join()  # the other thread has ended it, and waits
            seen.append((spawned.line.closed, ended.is_set()))
            raise Stopped

    def end() -> None:
        begun.wait()
        worker.end()
        ended.set()

    other = threading.Thread(target=end, daemon=True)
    other.start()
    with pytest.raises(Stopped):
        worker.call(stuck, said=wanted)
    other.join()
    assert seen == [(False, False)] and worker.process is None
    assert worker.call(told, "ab")[0] == "ba"
    worker.end()


def test_nothing_is_begun_for_work_that_is_no_longer_wanted():
    worker = Worker("idle")

    def unwanted(stage: str = "") -> None:
        raise Stopped

    with pytest.raises(Stopped):
        worker.call(told, "a", said=unwanted)
    assert worker.process is None


def gathered(megabytes, say):
    return len(bytearray(megabytes * 1_000_000))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux holds a process to its memory")
def test_work_that_takes_more_memory_than_it_may_is_refused_and_the_process_goes_on():
    worker = Worker("small", memory=100_000_000)
    try:
        assert worker.call(gathered, 10) == 10_000_000
        process = worker.process
        with pytest.raises(Refusal, match="memory"):
            worker.call(gathered, 500)
        assert worker.call(gathered, 10) == 10_000_000 and worker.process == process
    finally:
        worker.end()
