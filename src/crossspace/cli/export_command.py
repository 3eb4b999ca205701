"""``crossspace export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser

_ABOUT = """Write a trained model as ONNX, to predict without PyTorch.

FOLDER gets model.onnx, its description, its card, and the list of what has to be installed to use it: 'crossspace
predict FOLDER corpus.parquet' then gives the table that the model itself gives. That is checked on random
conversations before anything is written."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace export", description=_ABOUT, imports=True)
    parser.add_argument("model", help="run folder, folder of a seed, or name on a hub")
    parser.add_argument("--out", required=True, help="new folder to write")
    parser.add_argument("--run", help="folder of the run that the model is from, where it does not lie beside it")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Export."""
    options = parsers()[""].parse_all(words)

    from crossspace.onnx.export import export
    from crossspace.predict import Predictor
    from crossspace.publishing.card import written_card

    predictor = Predictor.from_pretrained(options.model)
    card = written_card(predictor, run=options.run, name=Path(options.out).name, exported=True)
    found = export(predictor, Path(options.out), card=card)
    print(
        f"{options.out}: {found.model}, {found.checked} conversations compared, probabilities differ from PyTorch's by "
        f"at most {found.difference:.1e}"
    )
    return 0
