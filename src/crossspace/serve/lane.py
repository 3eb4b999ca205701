"""A lane: one thread that works off a bounded queue, apart from the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from crossspace.serve.refusal import ENDS, Refusal

Result = TypeVar("Result")
Progress = Callable[..., None]

_current = threading.local()


class Stopped(Exception):
    """The work is no longer wanted: the client went away, its time is over, or the server ends."""


class Lane:
    """Works on one job at a time; a job is let in only while fewer than ``limit`` are inside.

    A job is given a function to call now and then, which raises :class:`Stopped` once the job is no longer wanted.

    Args:
        name: of the thread.
        limit: how many may be inside, waiting and being worked on.
    """

    def __init__(self, name: str, limit: int) -> None:
        self.limit = limit
        # One thread: models, tokenizers and face finders are not made for several, and a recording keeps all cores busy
        # anyway. It cannot be killed, which is why jobs ask now and then whether they are still wanted.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._inside: set[QueuePlace] = set()
        self._lock = threading.Lock()
        self._seconds, self._began = 1.0, 0.0

    @property
    def inside(self) -> int:
        """Jobs that wait or are being worked on."""
        return len(self._inside)

    def check_room(self) -> None:
        """Say at once that there is no place, so that nobody sends a recording for nothing.

        Raises:
            Refusal: 429, the queue is full; with the seconds after which a place should be free.
        """
        if len(self._inside) >= self.limit:
            ahead = time.monotonic() - self._began if self._began else 0.0
            # At least as long as the job that runs has taken already, which may be the longest ever.
            wait = min(600.0, max(self._seconds, ahead))
            raise Refusal(
                429, f"The server is busy with {self.limit} requests. Try again in a moment.", retry_after=wait
            )

    @contextmanager
    def place(self) -> Iterator[QueuePlace]:
        """A place in the queue, kept until the block ends or, if later, the job that runs in it.

        Raises:
            Refusal: 429, as :meth:`check_room`.
        """
        place = QueuePlace(self)
        with self._lock:
            # Again, under the lock: others may have come in since the first answer.
            self.check_room()
            self._inside.add(place)
        try:
            yield place
        finally:
            place.close()

    def submit(self, place: QueuePlace, job: Callable[[Progress], Result]) -> Future[Result]:
        """Queue ``job`` for the thread."""

        def timed() -> Result:
            place.check()
            _current.place = place
            self._began = time.monotonic()
            try:
                return job(place.check)
            finally:
                # A moving average over about five jobs: what Retry-After promises follows the load.
                self._seconds += 0.2 * (time.monotonic() - self._began - self._seconds)
                self._began = 0.0

        return self._executor.submit(timed)

    def leave(self, place: QueuePlace) -> None:
        """Give a place back."""
        with self._lock:
            self._inside.discard(place)

    def close(self) -> None:
        """Stop what runs at its next sign of progress, and let nothing begin."""
        with self._lock:
            places = list(self._inside)
        for place in places:
            place.stop()
        # A thread cannot be ended; what runs stops by itself.
        self._executor.shutdown(wait=False, cancel_futures=True)


def check_current() -> None:
    """Raise :class:`Stopped` when the job that runs in this thread, if one does, is no longer wanted."""
    place: QueuePlace | None = getattr(_current, "place", None)
    if place is not None:
        place.check()


class QueuePlace:
    """A place in a lane; use :meth:`Lane.place`."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._stop = threading.Event()
        self._future: Future[Any] | None = None
        self._cleanups: list[Callable[[], None]] = []

    def afterwards(self, cleanup: Callable[[], None]) -> None:
        """Have ``cleanup`` called when the place is given back, however that comes about."""
        self._cleanups.append(cleanup)

    def check(self, *_: object) -> None:
        """Raise :class:`Stopped` when the job is no longer wanted. Usable as a progress callback of any shape."""
        if self._stop.is_set():
            raise Stopped

    def stop(self) -> None:
        """The job is no longer wanted."""
        self._stop.set()

    async def run(
        self, job: Callable[[Progress], Result], *, timeout: float, disconnected: Awaitable[None] | None = None
    ) -> Result:
        """What ``job`` returns.

        Args:
            job: runs in the thread of the lane and is given :meth:`check`.
            timeout: seconds, waiting included.
            disconnected: ends when the client goes away, where that can be known.

        Raises:
            Refusal: 504, it took too long; 503, the server ends, or the client is gone and hears of nothing.
        """
        try:
            self._future = self._lane.submit(self, job)
        except RuntimeError as error:
            raise Refusal(503, ENDS) from error
        # The place is free when the job ends, not when its client stops waiting: the thread is busy until then.
        self._future.add_done_callback(lambda _: self._leave())
        work: asyncio.Future[Result] = asyncio.wrap_future(self._future)
        watched: set[asyncio.Future[Any]] = {work}
        if disconnected is not None:
            watched.add(asyncio.ensure_future(disconnected))
        try:
            finished, _ = await asyncio.wait(watched, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if finished:
                raise Stopped
            raise Refusal(504, f"This took longer than {timeout:.0f} seconds. Send a shorter conversation.")
        except Stopped as error:
            raise Refusal(503, ENDS) from error
        finally:
            # However it ended, a job that still runs is told at its next sign of progress.
            self.stop()
            for one in watched:
                one.cancel()

    def close(self) -> None:
        """Give the place back now, or as soon as its job has ended."""
        self.stop()
        if self._future is None:
            self._leave()

    def _leave(self) -> None:
        try:
            for cleanup in self._cleanups:
                cleanup()
        finally:
            self._lane.leave(self)
