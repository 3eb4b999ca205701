"""``crossspace export``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser
from crossspace.errors import CrossspaceError, UsageError

if TYPE_CHECKING:
    from crossspace.features.extractors.base import TextExtractor
    from crossspace.predict import Predictor

_ABOUT = """Write a trained model as ONNX, to predict without PyTorch.

FOLDER gets model.onnx, its description, its card, and the list of what has to be installed to use it: 'crossspace
predict FOLDER corpus.parquet' then gives the table that the model itself gives. Where the model reads texts, text.onnx
and tokenizer.json make their features: 'crossspace analyze talk.vtt --model FOLDER'. Both are compared with PyTorch
before anything is written."""
_FEATURES = "'crossspace predict' takes corpora with features as before."


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace export", description=_ABOUT, imports=True)
    parser.add_argument(
        "model", nargs="?", help="run folder, folder of a seed, or name on a hub; the model in the box if none"
    )
    parser.add_argument("--out", required=True, help="new folder to write")
    parser.add_argument("--run", help="folder of the run that the model is from, where it does not lie beside it")
    parser.add_argument("--text", metavar="NAME", help="where the text extractor of the model is found")
    parser.add_argument("--no-text", action="store_true", help="leave the encoder of texts out")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Export."""
    options = parsers()[""].parse_all(words)

    from crossspace.onnx.export import export
    from crossspace.predict import Predictor
    from crossspace.publishing.card import written_card

    if options.no_text and options.text:
        raise UsageError("--no-text leaves out what --text names. Give one of them.")
    predictor = Predictor.from_pretrained(options.model)
    card = written_card(predictor, run=options.run, name=Path(options.out).name, exported=True)
    notes: list[str] = []
    text = None if options.no_text else _text_extractor(predictor, options.text, notes)
    found = export(predictor, Path(options.out), card=card, text=text, notes=notes)
    print(
        f"{options.out}: {found.model}, {found.checked} conversations compared, probabilities differ from PyTorch's by "
        f"at most {found.difference:.1e}"
    )
    if found.text_encoder is not None and text is not None:
        print(
            f"{options.out}: encoder of texts {text.name}, {found.text_encoder.checked} texts compared, vectors differ "
            f"from PyTorch's by at most {found.text_encoder.difference:.1e}"
        )
    for note in notes:
        print(f"Note: {note} {_FEATURES}", file=sys.stderr)
    return 0


def _text_extractor(predictor: Predictor, wanted: str | None, notes: list[str]) -> TextExtractor | None:
    from crossspace.onnx.text_export import text_extractor_of

    try:
        return text_extractor_of(predictor, wanted)
    except CrossspaceError as error:
        if wanted is not None:
            raise
        notes.append(f"The encoder of texts was not exported. {error}")
        return None
