"""Which arguments a search may change, and to what."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from crossspace.balance import BALANCERS
from crossspace.configuration import Configuration, make_configuration
from crossspace.errors import UsageError, suggestion
from crossspace.models import MODELS

if TYPE_CHECKING:
    from optuna import Trial

_KINDS: dict[str, Mapping[str, type]] = {"model": MODELS, "balancer": BALANCERS}
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


@dataclass(frozen=True)
class Space:
    """The arguments of a search around a configuration.

    An argument that only one of several searched models (or balancers) has is drawn only beside that one.

    Attributes:
        base: says everything that the search leaves as it is.
        arguments: ``{"section.argument": values}``.
        stated: the same as it was written.
    """

    base: Configuration
    arguments: Mapping[str, Choices | Range]
    stated: Mapping[str, Any]

    @classmethod
    def read(cls, path: str | Path, base: Configuration) -> Space:
        """The space of a YAML file.

        Raises:
            UsageError: the file cannot be read, or :meth:`of` finds faults in it.
        """
        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{path} should be a YAML file with a search space. Found: {error}.") from error
        if not isinstance(found, dict) or not found:
            raise UsageError(f"{path} should map arguments such as model.width to their values. Found {found!r}.")
        return cls.of(found, base)

    @classmethod
    def of(cls, stated: Mapping[str, Any], base: Configuration) -> Space:
        """A space from lists and mappings; every value is held against the signature it is for.

        Raises:
            UsageError: every fault at once, with the nearest known names.
        """
        faults: list[str] = []
        arguments: dict[str, Choices | Range] = {}
        for name, values in stated.items():
            try:
                arguments[str(name)] = _parsed(str(name), values)
            except UsageError as error:
                faults.append(str(error))
        tree = base.to_dict()
        for name in list(arguments):
            arguments[name], found = _checked(name, arguments, tree)
            faults += found
        if faults:
            raise UsageError("\n".join(dict.fromkeys(faults)))
        return cls(base, arguments, dict(stated))

    def draw(self, trial: Trial) -> dict[str, Any]:
        """``{"section.argument": value}`` of one trial."""
        first = {name: v.draw(trial, name) for name, v in self.arguments.items() if name.endswith(".name")}
        components = {s: str(first.get(f"{s}.name", getattr(self.base, s)["name"])) for s in _KINDS}
        drawn = dict(first)
        for name, values in self.arguments.items():
            section, _, key = name.partition(".")
            fits = section not in components or key in _takes(section, components[section])
            if name not in first and fits:
                drawn[name] = values.draw(trial, name)
        return drawn

    def configuration(self, drawn: Mapping[str, Any]) -> Configuration:
        """The configuration of a trial.

        Raises:
            UsageError: the values do not go together.
        """
        return make_configuration(_changed(self.base.to_dict(), drawn), self.base.recipe)


def _takes(section: str, component: str) -> frozenset[str]:
    return frozenset(inspect.signature(_KINDS[section][component]).parameters) - {"task"}


def _changed(tree: Mapping[str, Any], drawn: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``tree`` with other values; a section that names another component starts afresh."""
    changed = {section: dict(tree[section]) for section in (*_KINDS, "training")}
    for section in _KINDS:
        name = drawn.get(f"{section}.name", changed[section]["name"])
        if name != changed[section]["name"]:
            changed[section] = {"name": name}
    for name, value in drawn.items():
        section, _, key = name.partition(".")
        changed.setdefault(section, {})[key] = value
    return changed


def _parsed(name: str, values: Any) -> Choices | Range:
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
        made = Range(
            values["low"], values["high"], values.get("log", False), values.get("step"), values.get("int", False)
        )
        faults = _impossible(made)
    if faults:
        raise UsageError("\n".join(f"`{name}`: {fault}" for fault in faults))
    return made


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _impossible(made: Range) -> list[str]:
    faults = []
    if made.low > made.high:
        faults.append(f"`low` should be at most `high`. Found {made.low} and {made.high}.")
    if made.log and made.low <= 0:
        faults.append(f"`low` should be above 0 where `log` is true. Found {made.low}.")
    if made.log and made.step is not None:
        faults.append("`log` and `step` exclude each other. Leave one of them out.")
    if made.step is not None and made.step <= 0:
        faults.append(f"`step` should be above 0. Found {made.step}.")
    if made.whole and not all(isinstance(v, int) for v in (made.low, made.high, made.step or 1)):
        faults.append(f"`int` needs whole numbers. Found {made.low}, {made.high}, step {made.step}.")
    elif made.step is not None and made.step > 0 and not _is_whole((made.high - made.low) / made.step):
        faults.append(f"`high` should be `low` plus a multiple of `step`. Found {made.low}, {made.high}, {made.step}.")
    return faults


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-9


def _checked(
    name: str, arguments: Mapping[str, Choices | Range], tree: Mapping[str, Any]
) -> tuple[Choices | Range, list[str]]:
    """The values of an argument, whole numbers where the signature takes no others, and what is wrong with them."""
    values = arguments[name]
    faults = _faults(name, values, arguments, tree)
    whole = isinstance(values, Range) and all(isinstance(v, int) for v in (values.low, values.high, values.step or 1))
    if faults and whole and isinstance(values, Range) and not values.whole:
        counted = Range(values.low, values.high, values.log, values.step, whole=True)
        if not _faults(name, counted, arguments, tree):
            return counted, []
    return values, faults


def _faults(
    name: str, values: Choices | Range, arguments: Mapping[str, Choices | Range], tree: Mapping[str, Any]
) -> list[str]:
    section, _, key = name.partition(".")
    components: Sequence[Any] = ()
    if section in _KINDS and key != "name":
        searched = arguments.get(f"{section}.name")
        names = searched.values if isinstance(searched, Choices) else (tree[section]["name"],)
        known = [n for n in names if isinstance(n, str) and n in _KINDS[section]]
        components = [n for n in known if key in _takes(section, n)] or known[:1]
    faults = []
    for component in components or [None]:
        beside = {} if component is None else {f"{section}.name": component}
        for value in values.samples():
            try:
                make_configuration(_changed(tree, {**beside, name: value}))
            except UsageError as error:
                faults += str(error).splitlines()
    return list(dict.fromkeys(faults))
