from __future__ import annotations

from contextlib import ExitStack

import pytest

from crossspace.serve import arrivals
from crossspace.serve.arrivals import Arrivals
from crossspace.serve.refusal import Refusal


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(arrivals.time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_the_slowest_gives_way_when_another_comes(clock):
    bodies = Arrivals(3, rate=10, grace=5)
    with ExitStack() as stack:
        fast, slow, slower = (stack.enter_context(bodies.one()) for _ in range(3))
        fast.received, slow.received, slower.received = 1000, 20, 10
        clock(3)
        stack.enter_context(bodies.one())
        assert [a.given_way.is_set() for a in (fast, slow, slower)] == [False, False, True]
        stack.enter_context(bodies.one())
        assert [a.given_way.is_set() for a in (fast, slow, slower)] == [False, True, True]


def test_where_all_have_just_begun_who_comes_is_told_to_come_again(clock):
    bodies = Arrivals(1, rate=10, grace=5)
    with bodies.one() as first:
        clock(1)
        with pytest.raises(Refusal) as refused, bodies.one():
            pass
        assert refused.value.status == 429 and refused.value.retry_after and not first.given_way.is_set()
    with bodies.one():
        pass


def test_a_body_must_bring_its_rate_once_its_grace_is_over(clock):
    bodies = Arrivals(1, rate=10, grace=5)
    with bodies.one() as body:
        clock(5)
        assert not bodies.is_slow(body)
        clock(1)
        assert bodies.is_slow(body)
        body.received = 60
        assert not bodies.is_slow(body)
