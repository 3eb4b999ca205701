"""Which arguments a search may change, and to what."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.configuration import Configuration, make_configuration
from crossspace.errors import UsageError
from crossspace.layering import KINDS, current_name, merge
from crossspace.parts import parts_of
from crossspace.tune.values import Choices, Range, values_of
from crossspace.yaml_text import read_yaml_file

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Space:
    """The arguments of a search around a configuration.

    An argument that only one of several searched models (or balancers, fusion operators, ...) has is drawn only beside
    that one.

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
        content = read_yaml_file(path, "a YAML file with a search space")
        if not isinstance(content, dict) or not content:
            raise UsageError(f"{path} should map arguments such as model.width to their values. Found {content!r}.")
        return cls.of(content, base)

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
                arguments[current_name(str(name), base.model["name"])] = values_of(str(name), values)
            except UsageError as error:
                faults.append(str(error))
        for name in list(arguments):
            arguments[name], wrong = _checked(name, arguments, base)
            faults += wrong
        if faults:
            raise UsageError("\n".join(dict.fromkeys(faults)))
        return cls(base, arguments, dict(stated))

    def draw(self, trial: Trial) -> dict[str, Any]:
        """``{"section.argument": value}`` of one trial."""
        drawn: dict[str, Any] = {}
        for name in sorted(self.arguments, key=_depth_of_choice):
            if _applies(name, drawn, self.base):
                drawn[name] = self.arguments[name].draw(trial, name)
        return {name: drawn[name] for name in self.arguments if name in drawn}

    def configuration(self, drawn: Mapping[str, Any]) -> Configuration:
        """The configuration of a trial.

        Raises:
            UsageError: the values do not go together.
        """
        return make_configuration(merge([_sections(self.base), _tree(drawn)]), self.base.recipe)


def _sections(base: Configuration) -> dict[str, Any]:
    return {section: values for section, values in base.to_dict().items() if section != "recipe"}


def _tree(drawn: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``{"section.argument": value}`` as sections."""
    tree: dict[str, dict[str, Any]] = {}
    for name, value in drawn.items():
        section, _, key = name.partition(".")
        tree.setdefault(section, {})[key] = value
    return tree


def _depth_of_choice(name: str) -> int:
    """Components are drawn first, then their parts, then the arguments of both."""
    return name.count(".") if name.endswith(".name") else 9


def _applies(name: str, beside: Mapping[str, Any], base: Configuration) -> bool:
    """Whether the component, or the part of it, that is chosen ``beside`` has an argument."""
    section, _, key = name.partition(".")
    if section not in KINDS or key == "name":
        return True
    usual = getattr(base, section)
    component = beside.get(f"{section}.name", usual["name"])
    if component not in KINDS[section]:
        return False
    kind = KINDS[section][component]
    argument, _, option = key.partition(".")
    part = parts_of(kind).get(argument)
    if part is None or not option:
        return key in inspect.signature(kind).parameters and key != "task"
    stated = usual.get(argument) if component == usual["name"] else None
    chosen = beside.get(f"{section}.{argument}.name", part.name_of(stated))
    return option == "name" if chosen not in part.kinds else option in (*part.options(chosen), "name" * part.named)


def _checked(
    name: str, arguments: Mapping[str, Choices | Range], base: Configuration
) -> tuple[Choices | Range, list[str]]:
    """The values of an argument, whole numbers where the signature takes no others, and what is wrong with them."""
    values = arguments[name]
    faults = _faults(name, values, arguments, base)
    whole = isinstance(values, Range) and all(isinstance(v, int) for v in (values.low, values.high, values.step or 1))
    if faults and whole and isinstance(values, Range) and not values.whole:
        counted = Range(values.low, values.high, values.log, values.step, whole=True)
        if not _faults(name, counted, arguments, base):
            return counted, []
    return values, faults


def _faults(
    name: str, values: Choices | Range, arguments: Mapping[str, Choices | Range], base: Configuration
) -> list[str]:
    """What is wrong with each value beside every choice of components that has the argument."""
    choices = _choices(name, arguments)
    besides = [beside for beside in choices if _applies(name, beside, base)] or choices[:1]
    faults = []
    for beside in besides:
        for value in values.samples():
            try:
                make_configuration(merge([_names(base), _tree({**beside, name: value})]))
            except UsageError as error:
                faults += str(error).splitlines()
    return list(dict.fromkeys(faults))


def _choices(name: str, arguments: Mapping[str, Choices | Range]) -> list[dict[str, Any]]:
    """Every combination of the names that are searched above an argument: of its component, and of its part.

    Names that there are not are told where they stand.
    """
    section, _, key = name.partition(".")
    argument = key.partition(".")[0]
    parts = [parts_of(kind)[argument] for kind in KINDS.get(section, {}).values() if argument in parts_of(kind)]
    known = {
        f"{section}.name": set(KINDS.get(section, ())),
        f"{section}.{argument}.name": {kind for part in parts for kind in part.kinds},
    }
    searched = [n for n in known if n != name and isinstance(arguments.get(n), Choices)]
    values = [[v for v in arguments[n].samples() if isinstance(v, str) and v in known[n]] for n in searched]
    return [dict(zip(searched, chosen, strict=True)) for chosen in product(*values)] or [{}]


def _names(base: Configuration) -> dict[str, Any]:
    """The components of a configuration and of its parts, and nothing else of it."""
    names: dict[str, Any] = {}
    for section, kinds in KINDS.items():
        values = getattr(base, section)
        parts = parts_of(kinds[values["name"]])
        named = {a: {"name": values[a]["name"]} for a, part in parts.items() if part.named}
        names[section] = {"name": values["name"], **named}
    return names
