"""The values that a search may give to one argument: a list, or a range of numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossspace.errors import UsageError, suggestion

if TYPE_CHECKING:
    from optuna import Trial

_RANGE_KEYS = ("low", "high", "log", "step", "int")
_INSIDE = 0.381966
"""Where between its ends a range is tried; a point that is whole only by accident."""


@dataclass(frozen=True)
class Choices:
    """One of a list of values."""

    values: tuple[Any, ...]

    def samples(self) -> tuple[Any, ...]:
        """The values to check."""
        return self.values

    def draw(self, trial: Trial, name: str) -> Any:
        """A value of this trial. Optuna sees plain words or numbers, whatever the values are."""
        # Lists are no choices for Optuna; their spelling is one.
        known = {_label(value): value for value in self.values}
        return known[trial.suggest_categorical(name, list(known))]


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``, both of them possible.

    Attributes:
        low, high: the ends.
        log: evenly over the logarithm.
        step: only ``low``, ``low + step``, ...
        whole: only whole numbers.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def samples(self) -> tuple[float, ...]:
        """The values to check: the ends, and one between them."""
        # On the grid of steps where there is one: a value between would be refused where no trial draws it.
        between = self.low + _INSIDE * (self.high - self.low)
        if self.step is not None:
            between = self.low + self.step * math.floor((between - self.low) / self.step)
        kind = round if self.whole else float
        return tuple(kind(value) for value in (self.low, between, self.high))

    def draw(self, trial: Trial, name: str) -> float:
        """A value of this trial."""
        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log, step=step)
        return trial.suggest_float(name, float(self.low), float(self.high), log=self.log, step=self.step)


def values_of(name: str, values: Any) -> Choices | Range:
    """The values of an argument as they are written in YAML.

    Raises:
        UsageError: every fault of them.
    """
    if "." not in name:
        raise UsageError(f"An argument is named with its section, such as model.width. Found {name!r}.")
    if name == "training.protocol":
        raise UsageError("`training.protocol` is always validation in a search. Leave it out of the space.")
    if isinstance(values, Mapping):
        return _range(name, values)
    if not isinstance(values, list):
        raise UsageError(f"`{name}` should be a list of values, or a mapping with low and high. Found {values!r}.")
    if not values:
        raise UsageError(f"`{name}` should list at least one value. Found an empty list.")
    labels = [_label(value) for value in values]
    twice = sorted({str(label) for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(f"`{name}` should list each value once. Found more than once: {', '.join(twice)}.")
    return Choices(tuple(values))


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _range(name: str, values: Mapping[str, Any]) -> Range:
    faults = [f"Unknown key {key!r}. {suggestion(str(key), _RANGE_KEYS)}" for key in values if key not in _RANGE_KEYS]
    faults += [f"`{key}` is missing." for key in ("low", "high") if key not in values]
    faults += [
        f"`{key}` should be a finite number. Found {values[key]!r}."
        for key in ("low", "high", "step")
        if key in values and not _is_number(values[key])
    ]
    faults += [
        f"`{key}` should be true or false. Found {values[key]!r}."
        for key in ("log", "int")
        if not isinstance(values.get(key, False), bool)
    ]
    if not faults:
        limits = Range(
            values["low"], values["high"], values.get("log", False), values.get("step"), values.get("int", False)
        )
        faults = _impossible(limits)
    if faults:
        raise UsageError("\n".join(f"`{name}`: {fault}" for fault in faults))
    return limits


def _is_number(value: Any) -> bool:
    # true is a number in Python.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _impossible(limits: Range) -> list[str]:
    faults = []
    if limits.low > limits.high:
        faults.append(f"`low` should be at most `high`. Found {limits.low} and {limits.high}.")
    if limits.log and limits.low <= 0:
        faults.append(f"`low` should be above 0 where `log` is true. Found {limits.low}.")
    if limits.log and limits.step is not None:
        faults.append("`log` and `step` exclude each other. Leave one of them out.")
    if limits.step is not None and limits.step <= 0:
        faults.append(f"`step` should be above 0. Found {limits.step}.")
    if limits.whole and not all(isinstance(v, int) for v in (limits.low, limits.high, limits.step or 1)):
        faults.append(f"`int` needs whole numbers. Found {limits.low}, {limits.high}, step {limits.step}.")
    elif limits.step is not None and limits.step > 0 and not _is_whole((limits.high - limits.low) / limits.step):
        faults.append(
            f"`high` should be `low` plus a multiple of `step`. Found {limits.low}, {limits.high}, {limits.step}."
        )
    return faults


def _is_whole(value: float) -> bool:
    # 0.3 / 0.1 is no whole number in floating point.
    return abs(value - round(value)) < 1e-9
