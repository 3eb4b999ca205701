"""The command line as its parsers describe it: a page per command, a section per action."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass

from crossspace.cli.main import COMMANDS
from crossspace.cli.parsing import Parser
from crossspace.cli.tree import parsers

_WIDTH = 76
_OPTION = re.compile(r"(?<![\w`.-])--?[a-z][\w-]*(?:\.[\w-]+)*(?: \d+)?")
_QUOTED = re.compile(r"(?<![\w`])'([^'\n]+)'(?!\w)")
_STATED = re.compile(r" ?\(default(?::? ([^()]*))?\)")


@dataclass(frozen=True)
class Option:
    """An argument or option: plain text, empty where nothing is known.

    Attributes:
        names: as they are typed.
        value: what stands behind an option.
        default: what holds where it is not given; ``required`` where it must be.
        about: its help.
    """

    names: tuple[str, ...]
    value: str
    default: str
    about: str


@dataclass(frozen=True)
class Action:
    """What one parser reads.

    Attributes:
        name: the words that call it, without ``crossspace``.
        usage: its synopsis, in lines.
        about: its description, in paragraphs.
        arguments, options: what it takes.
        takes_components: whether it takes ``--model.width`` and its like too.
    """

    name: str
    usage: str
    about: tuple[str, ...]
    arguments: tuple[Option, ...]
    options: tuple[Option, ...]
    takes_components: bool


def commands() -> dict[str, tuple[str, list[Action]]]:
    """``{command: (what it does, its actions)}``, in the order of the help."""
    found: dict[str, tuple[str, list[Action]]] = {name: (about, []) for name, about in COMMANDS.items()}
    for name, parser in parsers().items():
        found[name.split()[0]][1].append(_action(name, parser))
    return found


def marked(text: str) -> str:
    """Help as Markdown: options and quoted commands become code, and nothing becomes an element of the page."""
    text = _QUOTED.sub(lambda m: f"`{m[1]}`", " ".join(text.split()))
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [_OPTION.sub(lambda m: f"`{m[0]}`", part).replace("<", "&lt;") for part in parts[::2]]
    return "".join(parts)


def _action(name: str, parser: Parser) -> Action:
    taken = [action for action in parser._actions if action.dest != "help"]
    return Action(
        name,
        _usage(parser),
        tuple(part for part in (parser.description or "").split("\n\n") if part.strip()),
        tuple(_option(parser, action) for action in taken if not action.option_strings),
        tuple(_option(parser, action) for action in taken if action.option_strings),
        parser.takes_components,
    )


def _usage(parser: Parser) -> str:
    formatter = argparse.RawDescriptionHelpFormatter(parser.prog, width=_WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help().strip()


def _option(parser: Parser, action: argparse.Action) -> Option:
    about = parser._get_formatter()._expand_help(action) if action.help else ""
    stated = _STATED.search(about)
    default = (stated and stated[1]) or _default(action)
    names = tuple(dict.fromkeys(option.replace("_", "-") for option in action.option_strings)) or (action.dest,)
    return Option(names, _value(action), default, _STATED.sub("", about))


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return " | ".join(map(str, action.choices))
    if action.nargs == 0 or not action.option_strings:
        return ""
    return str(action.metavar or action.dest.upper())


def _default(action: argparse.Action) -> str:
    if action.required:
        return "required"
    nothing: tuple[object, ...] = (None, argparse.SUPPRESS, False, "", [], {})
    return "" if any(action.default is one or action.default == one for one in nothing) else str(action.default)


def options_of(found: dict[str, tuple[str, list[Action]]]) -> Iterator[tuple[str, Option]]:
    """Every argument and option of every command, with the name of its action."""
    for _, actions in found.values():
        for action in actions:
            yield from ((action.name, option) for option in (*action.arguments, *action.options))
