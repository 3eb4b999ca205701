"""A component as users write it: ``NAME``, ``NAME:VALUE`` or ``NAME:VALUE,key=value``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_type_hints

from crossspace.components.registry import Components
from crossspace.errors import UsageError, suggestion

Component = TypeVar("Component")


def built(known: Components[Component], wanted: str) -> Component:
    """The component of a kind that ``wanted`` asks for.

    What stands behind the colon is the keyword argument that the attribute ``argument`` of its class names.

    Raises:
        UsageError: there is none of this name, or it takes no such argument, or one is not given.
    """
    # A comma belongs to VALUE, the name of a file, unless a key follows it.
    head, *options = re.split(r",(?=\s*\w+\s*=)", wanted)
    name, colon, value = head.partition(":")
    component = named(known, name)
    argument: str | None = getattr(component, "argument", None)
    arguments: dict[str, str] = {}
    if colon:
        if argument is None:
            raise UsageError(f"The {known.kind} {name!r} takes nothing after a colon. Found {value!r}.")
        arguments[argument] = value
    for option in options:
        key, _, text = option.partition("=")
        arguments[key.strip()] = text.strip()
    typed = _typed(f"{known.kind} {name!r}", component, arguments)
    for key, parameter in inspect.signature(component).parameters.items():
        # Asked here, where the way to write it is known; Python would only name a missing argument.
        if typed.get(key, parameter.default) in (inspect.Parameter.empty, ""):
            what = f"{name}:{key.upper()}" if key == argument else f"{name},{key}=VALUE"
            raise UsageError(f"The {known.kind} {name!r} needs {key!r}: write {what}. Found {wanted!r}.")
    return component(**typed)


def named(known: Components[Component], name: str) -> type[Component]:
    """The class of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in known:
        raise UsageError(f"There is no {known.kind} {name!r}. {suggestion(name, known)}")
    return known[name]


def _typed(what: str, component: type, arguments: Mapping[str, str]) -> dict[str, Any]:
    parameters = inspect.signature(component).parameters
    hints = get_type_hints(component.__init__)  # type: ignore[misc]
    typed: dict[str, Any] = {}
    for key, text in arguments.items():
        if key not in parameters:
            raise UsageError(f"The {what} has no option {key!r}. {suggestion(key, parameters)}")
        # Only numbers have to be converted; a choice is checked by the constructor, which knows it.
        number = next((one for one in (float, int) if one in (hints[key], *get_args(hints[key]))), None)
        try:
            typed[key] = number(text) if number else text
        except ValueError as error:
            raise UsageError(f"Option {key!r} of the {what} should be a number. Found {text!r}.") from error
    return typed
