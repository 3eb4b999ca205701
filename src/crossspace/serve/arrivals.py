"""The bodies that are on their way in: held to a least rate, and the slowest gives way where there are many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 2.0
"""Seconds in which a body arrives that is not counted: most are there with their head."""


class Arrivals:
    """Of the bodies that take their time, at most ``limit`` arrive at once.

    Whoever sends a byte now and then would hold a place for ever. So a place among those who are worked on is taken
    only when a body is there; and among those that arrive for longer than :data:`YOUNG` seconds, the slowest is turned
    away when there is one too many.

    Args:
        limit: how many.
        rate: bytes per second that a body must bring on average after ``grace`` seconds.
        grace: seconds.
    """

    def __init__(self, limit: int, rate: float, grace: float) -> None:
        self.limit, self.rate, self.grace = limit, rate, grace
        self._inside: list[Arrival] = []

    @contextmanager
    def one(self) -> Iterator[Arrival]:
        """A body that begins to arrive, until the block ends."""
        arrival = Arrival(time.monotonic())
        self._inside.append(arrival)
        self.make_room()
        try:
            yield arrival
        finally:
            self._inside.remove(arrival)

    def make_room(self) -> None:
        """Let the slowest give way until there are no more than ``limit`` that take their time."""
        now = time.monotonic()
        old = [a for a in self._inside if now - a.began > YOUNG and not a.given_way]
        for arrival in sorted(old, key=lambda a: a.rate(now))[: max(0, len(old) - self.limit)]:
            arrival.give_way()

    def is_slow(self, arrival: Arrival) -> bool:
        """Whether a body has had its time and brings less than it must."""
        now = time.monotonic()
        return now - arrival.began > self.grace and arrival.rate(now) < self.rate


class Arrival:
    """One body.

    Args:
        began: when.

    Attributes:
        received: bytes so far.
        given_way: whether it is turned away for another.
        waits_for: its next piece.
    """

    def __init__(self, began: float) -> None:
        self.began, self.received, self.given_way = began, 0, False
        self.waits_for: asyncio.Future[bytes | None] | None = None

    def give_way(self) -> None:
        """It waits for nothing more."""
        self.given_way = True
        if self.waits_for is not None:
            self.waits_for.cancel()

    def rate(self, now: float) -> float:
        """Bytes per second so far."""
        return self.received / max(now - self.began, 1e-3)
