from __future__ import annotations

from contextlib import ExitStack

import pytest

from crossspace.serve import arrivals
from crossspace.serve.arrivals import Arrivals


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(arrivals.time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_of_those_that_take_their_time_the_slowest_gives_way(clock):
    bodies = Arrivals(2, rate=10, grace=5)
    with ExitStack() as stack:
        fast, slow, slower = (stack.enter_context(bodies.one()) for _ in range(3))
        fast.received, slow.received, slower.received = 1000, 20, 10
        clock(1)
        bodies.make_room()
        assert not any(a.given_way for a in (fast, slow, slower))
        clock(2)
        young = [stack.enter_context(bodies.one()) for _ in range(50)]
        assert [a.given_way for a in (fast, slow, slower)] == [False, False, True]
        clock(3)
        young[7].received = 500
        bodies.make_room()
        assert [a for a in (fast, slow, slower, *young) if not a.given_way] == [fast, young[7]]


def test_who_has_arrived_makes_room_itself(clock):
    bodies = Arrivals(1, rate=10, grace=5)
    with bodies.one() as first:
        clock(3)
    with bodies.one():
        clock(3)
        bodies.make_room()
    assert not first.given_way


def test_a_body_must_bring_its_rate_once_its_grace_is_over(clock):
    bodies = Arrivals(1, rate=10, grace=5)
    with bodies.one() as body:
        clock(5)
        assert not bodies.is_slow(body)
        clock(1)
        assert bodies.is_slow(body)
        body.received = 60
        assert not bodies.is_slow(body)
