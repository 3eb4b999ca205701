"""``crossspace card``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from crossspace.cli.parsing import Parser
from crossspace.errors import DataError

_ABOUT = """Print the card of a model: what it learned from, how good it is, and what it must not be used for. Without a
name, that of the model in the box."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace card", description=_ABOUT, imports=True)
    parser.add_argument("model", nargs="?", help="run folder, folder of a seed, or name on a hub")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Print the card."""
    options = parsers()[""].parse_all(words)

    from crossspace.analysis.card import body_of, card_of
    from crossspace.predict import Predictor

    card = card_of(Predictor.from_pretrained(options.model))
    if card is None:
        raise DataError(f"{options.model} has no card: a README.md beside it would be one. Ask who made it.")
    text = body_of(card)
    if not sys.stdout.isatty():
        print(text)
        return 0

    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
    return 0
