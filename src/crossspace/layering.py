"""Nested values from several places, laid over each other: recipes, files, the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossspace.balance import BALANCERS
from crossspace.errors import UsageError, suggestion
from crossspace.models import MODELS
from crossspace.parts import merged, parts_of
from crossspace.yaml_text import parsed_yaml

DEFAULT: Mapping[str, Mapping[str, Any]] = {"model": {"name": "css"}, "balancer": {"name": "pgm"}, "training": {}}
"""The sections of a configuration, with the components that are chosen where nothing is said."""
KINDS: dict[str, Mapping[str, type]] = {"model": MODELS, "balancer": BALANCERS}


def options_to_tree(options: Sequence[str]) -> dict[str, Any]:
    """``--section.argument value`` pairs as nested values.

    Raises:
        UsageError: an option is of another form.
    """
    tree: dict[str, Any] = {}
    waiting = list(options)
    while waiting:
        option = waiting.pop(0)
        name, equals, value = option.removeprefix("--").partition("=")
        if not option.startswith("--") or not name:
            raise UsageError(f"Expected an option such as --model.width 64. Found {option!r}.")
        if not equals:
            if not waiting:
                raise UsageError(f"Option {option!r} needs a value.")
            value = waiting.pop(0)
        section, _, key = name.partition(".")
        if section not in DEFAULT:
            raise UsageError(f"Unknown option {option!r}. {suggestion(section, DEFAULT)}")
        tree.setdefault(section, {})[key or "name"] = parsed_yaml(value, f"Option {option!r}", "a value")
    return tree


def merge(layers: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Later layers win; a section, or a part of a model, that names another component starts afresh.

    Args:
        layers: nested values as files hold them, which may be of earlier releases.
        options: nested values on top of them as a command line holds them, which may not.
    """
    result: dict[str, Any] = {}
    for layer in (*layers, options or {}):
        for section, values in layer.items():
            result[section] = _over(section, result.get(section, {}), values, translated=layer is not options)
    return result


def _over(section: str, old: Any, values: Any, translated: bool) -> Any:
    """A section of a later layer over that of the earlier ones."""
    if not isinstance(old, Mapping):
        return old  # what is no section is refused, and not covered by what a later layer says
    if not isinstance(values, Mapping):
        return values
    base = old
    before, known = base.get("name", DEFAULT.get(section, {}).get("name")), KINDS.get(section, {})
    name = values.get("name", before)
    base = base if name == before else {}
    if section != "model" or not isinstance(name, str) or name not in known:
        return {**base, **values}
    if translated:
        values = known[name].translated(values, base)  # type: ignore[attr-defined]
    return merged(known[name], base, values)


def current_name(name: str, model: str) -> str:
    """``section.argument`` as it is called today: ``model.rank`` may have moved into a part."""
    section, _, argument = name.partition(".")
    if section != "model" or model not in MODELS:
        return name
    part = parts_of(MODELS[model]).get(argument)
    if part is not None:
        return f"{name}.name" if part.named else name
    return f"model.{MODELS[model].moved.get(argument, argument)}"
