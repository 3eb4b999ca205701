"""Which arguments a search may change, and to what."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.balance import BALANCERS
from crossspace.configuration import Configuration, make_configuration
from crossspace.errors import UsageError
from crossspace.models import MODELS
from crossspace.tune.values import Choices, Range, values_of
from crossspace.yaml_text import read_yaml_file

if TYPE_CHECKING:
    from optuna import Trial

_KINDS: dict[str, Mapping[str, type]] = {"model": MODELS, "balancer": BALANCERS}


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
        found = read_yaml_file(path, "a YAML file with a search space")
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
                arguments[str(name)] = values_of(str(name), values)
            except UsageError as error:
                faults.append(str(error))
        names = {section: getattr(base, section)["name"] for section in _KINDS}
        for name in list(arguments):
            arguments[name], found = _checked(name, arguments, names)
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
        names = {section: getattr(self.base, section)["name"] for section in _KINDS}
        made = make_configuration(_tree(names, drawn))
        sections: dict[str, dict[str, Any]] = {}
        for section, name in names.items():
            checked = getattr(made, section)
            kept = {k: v for k, v in getattr(self.base, section).items() if f"{section}.{k}" not in drawn}
            sections[section] = {**checked, **kept} if checked["name"] == name else checked
        training = {k: getattr(made.training, k) for k in asdict(made.training) if f"training.{k}" in drawn}
        return replace(self.base, **sections, training=replace(self.base.training, **training))  # type: ignore[arg-type]


def _takes(section: str, component: str) -> frozenset[str]:
    return frozenset(inspect.signature(_KINDS[section][component]).parameters) - {"task"}


def _tree(names: Mapping[str, Any], drawn: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Drawn values, and the names of components beside them, as sections."""
    tree: dict[str, dict[str, Any]] = {section: {"name": name} for section, name in names.items()}
    for name, value in drawn.items():
        section, _, key = name.partition(".")
        tree.setdefault(section, {})[key] = value
    return tree


def _checked(
    name: str, arguments: Mapping[str, Choices | Range], names: Mapping[str, Any]
) -> tuple[Choices | Range, list[str]]:
    """The values of an argument, whole numbers where the signature takes no others, and what is wrong with them."""
    values = arguments[name]
    faults = _faults(name, values, arguments, names)
    whole = isinstance(values, Range) and all(isinstance(v, int) for v in (values.low, values.high, values.step or 1))
    if faults and whole and isinstance(values, Range) and not values.whole:
        counted = Range(values.low, values.high, values.log, values.step, whole=True)
        if not _faults(name, counted, arguments, names):
            return counted, []
    return values, faults


def _faults(
    name: str, values: Choices | Range, arguments: Mapping[str, Choices | Range], names: Mapping[str, Any]
) -> list[str]:
    section, _, key = name.partition(".")
    components: Sequence[Any] = ()
    if section in _KINDS and key != "name":
        searched = arguments.get(f"{section}.name")
        possible = searched.values if isinstance(searched, Choices) else (names[section],)
        known = [n for n in possible if isinstance(n, str) and n in _KINDS[section]]
        components = [n for n in known if key in _takes(section, n)] or known[:1]
    faults = []
    for component in components or [None]:
        beside = names if component is None else {**names, section: component}
        for value in values.samples():
            try:
                make_configuration(_tree(beside, {name: value}))
            except UsageError as error:
                faults += str(error).splitlines()
    return list(dict.fromkeys(faults))
