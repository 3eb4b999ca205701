"""The table of balancers has a line for each, and times what gives weights."""

from __future__ import annotations

from benchmarks import balancers
from crossspace.balance import BALANCERS


def test_every_balancer_is_timed_at_every_number_of_objectives() -> None:
    rows = balancers.measured(rounds=2, counts=(2, 3))
    assert {(row.name, row.count) for row in rows} == {(name, k) for name in BALANCERS.box for k in (2, 3)}
    assert all(row.here > 0 and (row.ratio is None or row.ratio > 0) for row in rows)
    lines = balancers.table(rows).splitlines()
    assert len(lines) == 2 + len(BALANCERS.box) and len({line.count("|") for line in lines}) == 1
