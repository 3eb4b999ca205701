"""A parser made of signatures, and everything that is wrong with values held against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser

from crossspace.errors import UsageError, suggestion
from crossspace.parts import Part, needs_value, parts_of

REFUSALS = (ArgumentError, TypeError, ValueError, OverflowError, UsageError)
"""What a parser raises where a value does not fit."""


def add_component(parser: ArgumentParser, section: str, kind: type, values: Mapping[str, Any]) -> None:
    """Add the arguments of a component to a parser.

    Args:
        parser: of the configuration.
        section: where the arguments stand.
        kind: the component.
        values: what is stated; of a part in them, the name says whose options are added.
    """
    parts = parts_of(kind)
    skip = ({"task"} & set(get_type_hints(kind.__init__))) | set(parts)  # type: ignore[misc]
    try:
        parser.add_class_arguments(kind, section, skip=skip, sub_configs=False)
    except ValueError as error:  # a parser cannot be made of it
        raise UsageError(
            f"{kind.__qualname__}: every argument should be an option with a type, as in `width: int = 64`. Found: "
            f"{error} Mend `{kind.__qualname__}.__init__`."
        ) from error
    for argument, part in parts.items():
        _add_part(parser, f"{section}.{argument}", part, part.name_of(part.stated(values.get(argument))))


def _add_part(parser: ArgumentParser, place: str, part: Part, name: str) -> None:
    group = parser.add_argument_group(f"{place}{': ' + name if name else ''}")
    if part.named:
        group.add_argument(f"--{place}.name", default=name, help=f"which {part.what}: {', '.join(part.kinds)}")
    others = {"skip": set(part.given) | set(part.placed), "as_group": False}
    group.add_class_arguments(part.kinds[name], place, sub_configs=False, **others)
    if part.place is not None:
        skip: Any = set(get_type_hints(part.place)) - set(part.placed) - {"return"}
        group.add_function_arguments(part.place, place, as_group=False, skip=skip)


def options_of(part: Part, name: str) -> list[tuple[str, Any, str]]:
    """Name, default and description of every option that stands beside a name."""
    parser = ArgumentParser(exit_on_error=False, default_env=False)
    _add_part(parser, "part", part, name)
    described = {
        a.dest.partition(".")[2]: (a.default, a.help or "") for a in parser._actions if a.dest.startswith("part.")
    }
    return [(option, *described[option]) for option in part.options(name)]


def without_strange_parts(
    tree: Mapping[str, Any], kinds: Mapping[str, type], faults: list[str]
) -> dict[str, dict[str, Any]]:
    """Values less the parts for which there is no parser: those of another form, or that choose what there is not."""
    sound = {}
    for section, values in tree.items():
        strange = {}
        for argument, part in parts_of(kinds[section]).items() if section in kinds else ():
            value = values.get(argument)
            if value is not None:
                wrong = _moved(section, kinds[section], argument, value)
                strange[argument] = wrong or part.faults(value, f"{section}.{argument}", names=False)
        faults += [fault for wrong in strange.values() for fault in wrong]
        sound[section] = {key: value for key, value in values.items() if not strange.get(key)}
    return sound


def _moved(section: str, kind: type, argument: str, value: object) -> list[str]:
    """That an argument of an earlier release, which today is a part, is called something else now."""
    moved = getattr(kind, "moved", {})
    if argument not in moved or value is None or isinstance(value, (str, Mapping)):
        return []
    return [f"`{section}.{argument}` is a part now. What you mean is '{section}.{moved[argument]}'."]


def without_value(section: str, kind: type, values: Mapping[str, Any]) -> list[str]:
    """Arguments given as null that need a value; a parser takes null for an argument that was not given."""
    parts = parts_of(kind)
    hints = get_type_hints(kind.__init__)  # type: ignore[misc]
    empty = [key for key, hint in hints.items() if key in values and values[key] is None]
    faults = [key for key in empty if key in parts or needs_value(hints[key])]
    for argument, part in parts.items():
        stated = values.get(argument)
        if isinstance(stated, Mapping):
            options = part.hints(part.name_of(stated))
            faults += [
                f"{argument}.{n}" for n, h in options.items() if n in stated and stated[n] is None and needs_value(h)
            ]
    return [f"`{section}.{key}` has no value. Give it one, or leave it out for the usual one." for key in faults]


def faults_of(parser: ArgumentParser, tree: Mapping[str, Any], kinds: Mapping[str, type]) -> list[str]:
    """Try every value on its own, so that one fault does not hide the next."""
    known = {str(key) for key in vars(parser.get_defaults(skip_validation=True).as_flat())}
    faults = []
    for name, value, alone in _leaves(tree, kinds):
        section, _, key = name.partition(".")
        if name not in known:
            faults.append(_unknown(section, key, tree, kinds.get(section), known))
            continue
        try:
            parser.parse_object(alone)
        except REFUSALS as error:
            faults.append(f"`{name}` = {value!r} does not fit: {reason(error)}")
    return faults


def _leaves(tree: Mapping[str, Any], kinds: Mapping[str, type]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Dotted name and value of every argument and of every option of a part, and a tree that holds it alone."""
    for section, values in tree.items():
        parts = parts_of(kinds[section]) if section in kinds else {}
        for key, value in values.items():
            if key in parts and isinstance(value, Mapping):
                for option, one in value.items():
                    yield f"{section}.{key}.{option}", one, {section: {key: {option: one}}}
            else:
                yield f"{section}.{key}", value, {section: {key: value}}


def _unknown(section: str, key: str, tree: Mapping[str, Any], kind: type | None, known: set[str]) -> str:
    """That there is no such argument, and what may have been meant."""
    argument, _, option = key.partition(".")
    moved = getattr(kind, "moved", {})
    if key in moved:
        part = moved[key].partition(".")[0]
        return (
            f"Unknown argument '{section}.{key}'. It is '{section}.{moved[key]}' now; old names are read from files in "
            f"which no option of '{part}' is written under its new one."
        )
    part = parts_of(kind).get(argument) if kind is not None else None
    if part is not None and option:
        return part.unknown(option, part.name_of(tree[section].get(argument)), f"{section}.{argument}")
    inside = [k.partition(".")[2] for k in known if k.startswith(f"{section}.")]
    return f"Unknown argument '{section}.{key}'. {suggestion(key, inside)}"


def reason(error: Exception) -> str:
    """What a parser says of a value, without its preamble."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("Problem with", "Parser key", "Given value"))]
    return " ".join(kept or lines)[:400]
