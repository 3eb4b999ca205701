"""Numbers are refused by the name of the argument, all of them at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crossspace.bounds import check_counts, check_numbers, check_positive, check_shares, check_weights
from crossspace.configuration import make_configuration
from crossspace.errors import UsageError

NAN, INFINITE = float("nan"), float("inf")


def test_the_ends_of_a_range_are_in_it() -> None:
    check_counts(layers=1, hops=10_000)
    check_counts(0, layers=0)
    check_counts(most=None, width=10**9)
    check_shares(dropout=0.0, alpha=1.0)
    check_weights(penalty=0.0)
    check_positive(temperature=1e-300)
    check_numbers({"a": 3.4e38, "b": {"c": [0.0, 1, -1.2e-38]}, "d": None, "e": "nan"})


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (check_counts, 0, "from 1 to 10,000. Found 0"),
        (check_counts, 10**9, "from 1 to 10,000. Found 1000000000"),
        (check_shares, NAN, "between 0 and 1. Found nan"),
        (check_shares, 1.5, "between 0 and 1. Found 1.5"),
        (check_weights, INFINITE, "a number of at least 0. Found inf"),
        (check_weights, -1e-9, "a number of at least 0. Found -1e-09"),
        (check_positive, 0.0, "a number above 0. Found 0.0"),
        (check_positive, NAN, "a number above 0. Found nan"),
    ],
)
def test_what_is_outside_is_named_with_what_was_expected(
    check: Callable[..., None], value: float, expected: str
) -> None:
    with pytest.raises(UsageError) as refused:
        check(first=value, second=value)
    assert str(refused.value) == f"`first` should be {expected}.\n`second` should be {expected}."


def test_a_number_inside_of_an_argument_is_found_by_the_way_to_it() -> None:
    with pytest.raises(UsageError, match=r"`loss\.weights\[1\]` should be finite\. Found nan"):
        check_numbers({"loss": {"weights": [1.0, NAN]}})


@pytest.mark.parametrize("value", [1e300, -1e39, 1e-300, -1e-39, 10**400])
def test_a_number_that_float32_does_not_hold_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match=r"`noise\.text` should be .* as float32 is\. Found"):
        check_numbers({"noise": {"text": value}})


@pytest.mark.parametrize(("section", "name"), [("model", "dropout"), ("training", "learning_rate")])
def test_a_whole_number_that_no_float_holds_is_refused_by_name(section: str, name: str) -> None:
    tree: dict[str, dict[str, object]] = {"model": {"name": "css"}}
    tree.setdefault(section, {})[name] = 10**400
    with pytest.raises(UsageError, match=rf"`{section}\.{name}` = 1000.* does not fit"):
        make_configuration(tree)
