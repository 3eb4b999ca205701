"""All commands with their parsers: what suggestions and the reference know."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from crossspace.cli.main import COMMANDS
from crossspace.cli.parsing import Parser
from crossspace.parts import parts_of


def parsers() -> dict[str, Parser]:
    """``{"data import": its parser}`` of every command and action, in the order of the help."""
    by_command: dict[str, Parser] = {}
    for command in COMMANDS:
        of_command: Mapping[str, Parser] = importlib.import_module(f"crossspace.cli.{command}_command").parsers()
        by_command |= {f"{command} {action}".strip(): parser for action, parser in of_command.items()}
    return by_command


def arguments_called(option: str) -> list[str]:
    """``--model.heads`` and its like for ``--heads``: arguments of this name of models, balancers and the training."""
    return _arguments().get(_word(option), [])


def arguments_near(option: str) -> list[str]:
    """Arguments whose name is nearly this one."""
    arguments = _arguments()
    return [
        name
        for near in difflib.get_close_matches(_word(option), arguments, n=1, cutoff=0.8)
        for name in arguments[near]
    ]


def _arguments() -> dict[str, list[str]]:
    """``{"heads": ["--model.heads"]}`` of all models, balancers and the training."""
    from crossspace.balance import BALANCERS
    from crossspace.configuration import configuration_parser
    from crossspace.models import MODELS

    names: dict[str, dict[str, None]] = {}
    models, balancers = MODELS.here, BALANCERS.here  # nobody asked for what installed packages offer
    # Each model once and each balancer once; all pairs would be read a hundred times over.
    usual = next(iter(models)), next(iter(balancers))
    chosen = [(m, usual[1], stated) for m, kind in models.items() for stated in _stated(kind)]
    for model, balancer, stated in [*chosen, *((usual[0], b, {}) for b in balancers)]:
        for action in configuration_parser(model, balancer, stated=stated)._actions:
            # Only those of sections; an option without a point is one of the parser itself.
            for option in filter(lambda o: "." in o, action.option_strings):
                names.setdefault(_word(option), {})[option] = None
    for argument, part in ((a, p) for kind in models.values() for a, p in parts_of(kind).items()):
        if part.named:
            names.setdefault(_word(argument), {})[f"--model.{argument}"] = None
    return {word: list(options) for word, options in names.items()}


def _stated(model: type) -> list[dict[str, Any]]:
    """Arguments that together choose every component of every part of a model at least once."""
    parts = {name: list(part.here) for name, part in parts_of(model).items() if part.named}
    rounds = range(max(map(len, parts.values()), default=1))
    return [{name: kinds[i % len(kinds)] for name, kinds in parts.items()} for i in rounds]


def options_called(option: str) -> list[str]:
    """The commands that have an option of this name."""
    return [name for name, parser in parsers().items() if _word(option) in map(_word, parser.option_names())]


def _word(option: str) -> str:
    return option.lstrip("-").rpartition(".")[2].replace("_", "-")
