"""``crossspace card``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from crossspace.cli.parsing import Parser
from crossspace.errors import DataError, UsageError

_ABOUT = """Print the card of a model: what it learned from, how good it is, and what it must not be used for. Without a
name, that of the model in the box. A model without a README.md has a card that is made of what it and its run say."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace card", description=_ABOUT, imports=True)
    parser.add_argument(
        "model", nargs="?", help="run folder, folder of a seed or of an exported model, or name on a hub"
    )
    parser.add_argument("--run", help="folder of the run that the model is from, where it does not lie beside it")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Print the card."""
    options = parsers()[""].parse_all(words)

    from crossspace.analysis.card import body_of

    text = body_of(_card(options.model, options.run))
    if not sys.stdout.isatty():
        print(text)
        return 0

    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
    return 0


def _card(model: str | None, run_folder: str | None) -> str:
    from crossspace.analysis.card import card_of
    from crossspace.onnx import ExportedPredictor
    from crossspace.onnx.loading import load_predictor

    predictor = load_predictor(model)
    if not isinstance(predictor, ExportedPredictor):
        from crossspace.publishing.card import stated_card

        return stated_card(predictor, run_folder)
    if run_folder is not None:
        raise UsageError(f"{model} was exported with its card, which names its run already. Leave out --run.")
    card = card_of(predictor)
    if card is None:
        raise DataError(f"{model} should hold README.md, its card. Found none. Export the model again.")
    return card
