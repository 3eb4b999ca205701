"""The bodies that are on their way in: counted, held to a least rate, and the slowest gives way where room lacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crossspace.serve.refusal import Refusal

YOUNG = 2.0
"""Seconds in which a body is slow to begin with: on its way it has hardly been seen."""


class Arrivals:
    """At most ``limit`` bodies arrive at once.

    Whoever sends a byte now and then would hold a place for ever, so a place among those who are worked on is taken
    only when a body is there; and among those that arrive, the slowest is turned away when another one comes.

    Args:
        limit: how many.
        rate: bytes per second that a body must bring on average after ``grace`` seconds.
        grace: seconds.
    """

    def __init__(self, limit: int, rate: float, grace: float) -> None:
        self.limit, self.rate, self.grace = limit, rate, grace
        self._inside: set[Arrival] = set()

    @contextmanager
    def one(self) -> Iterator[Arrival]:
        """A body that begins to arrive, until the block ends.

        Raises:
            Refusal: 429, as many arrive already, none of them slowly.
        """
        now = time.monotonic()
        if len(self._inside) >= self.limit:
            old = [a for a in self._inside if now - a.began > YOUNG and not a.given_way.is_set()]
            if not old:
                raise Refusal(429, f"{self.limit} uploads arrive already. Try again in a moment.", retry_after=YOUNG)
            min(old, key=lambda a: a.rate(now)).given_way.set()
        arrival = Arrival(now)
        self._inside.add(arrival)
        try:
            yield arrival
        finally:
            self._inside.discard(arrival)

    def is_slow(self, arrival: Arrival) -> bool:
        """Whether a body has had its time and brings less than it must."""
        now = time.monotonic()
        return now - arrival.began > self.grace and arrival.rate(now) < self.rate


class Arrival:
    """One body.

    Args:
        began: when.
    """

    def __init__(self, began: float) -> None:
        self.began, self.received = began, 0
        self.given_way = asyncio.Event()

    def rate(self, now: float) -> float:
        """Bytes per second so far."""
        return self.received / max(now - self.began, 1e-3)
