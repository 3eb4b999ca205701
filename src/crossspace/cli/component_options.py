"""Options made from the signature of a component: its keyword arguments, their types, and what its docstring says."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from typing import Any

from crossspace.cli.parsing import Parser, json_value, names_or_count, pairs
from crossspace.cli.parsing import words as split_words


def add_options(parser: Parser, component: type) -> list[str]:
    """Give ``parser`` an option for every keyword argument of the constructor, and return their names.

    What is not given on the command line stays out of the parsed values, so that the constructor's defaults hold.
    """
    about = _argument_docs(component)
    names = []
    for name, parameter in inspect.signature(component).parameters.items():
        # Other defaults have no short spelling in a help text.
        plain = parameter.default if isinstance(parameter.default, (str, int, float, tuple)) else None
        required = parameter.default is inspect.Parameter.empty
        converter = _converter(str(parameter.annotation))
        hint = about.get(name, "") + _WRITTEN.get(converter, "")
        parser.add_argument(
            # Both spellings, since the argument in Python has the underscore.
            *dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}")),
            dest=name,
            type=converter,
            # Left out where it is not given, so that the default of the constructor holds.
            default=argparse.SUPPRESS,
            required=required,
            metavar=name.upper(),
            help=(hint + ("" if plain in (None, "") else f" (default {plain})")).replace("%", "%%"),
        )
        names.append(name)
    return names


def _converter(annotation: str) -> Callable[[str], Any]:
    lowered = annotation.lower()
    # The more particular first: each of these types contains the word of a later one.
    if "dict[str, dict" in lowered:
        return json_value
    if "mapping" in lowered or "dict" in lowered:
        return _numbers if "int" in lowered else pairs
    if "sequence" in lowered or "list" in lowered or "tuple" in lowered:
        return names_or_count if "str" in lowered and "int" in lowered else _list_of(int if "int" in lowered else str)
    if "bool" in lowered:
        return _yes
    if "float" in lowered:
        return float
    # What may be a number or a word stays a word, which the constructor reads.
    return int if "int" in lowered and "str" not in lowered else str


def _list_of(kind: type) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        return tuple(kind(part) for part in split_words(text)) if kind is int else split_words(text)

    return convert


def _numbers(text: str) -> dict[str, int]:
    return {key: int(value) for key, value in pairs(text).items()}


def _yes(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise ValueError(text)
    return text.lower() in ("true", "yes")


def _argument_docs(component: type) -> dict[str, str]:
    """The ``Args:`` section of a docstring by argument."""
    texts: dict[str, str] = {}
    current, inside = "", False
    for line in (inspect.getdoc(component) or "").splitlines():
        if line.strip() in ("Args:", "Arguments:", "Attributes:"):
            inside = True
        elif inside and line and not line.startswith(" "):
            break
        elif inside and line.startswith("    ") and not line.startswith("     ") and ":" in line:
            keys, _, text = line.strip().partition(":")
            current = keys
            for key in keys.split(","):
                texts[key.strip()] = text.strip()
        elif inside and current and line.strip():
            for key in current.split(","):
                texts[key.strip()] += " " + line.strip()
    return texts


_WRITTEN: dict[Callable[[str], Any], str] = {
    pairs: " Written as name=value,name=value.",
    _numbers: " Written as name=number,name=number.",
    json_value: " Written as JSON.",
    _yes: " Written as true or false.",
}
"""How values that are more than one word are written on the command line."""
