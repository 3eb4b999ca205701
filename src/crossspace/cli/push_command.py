"""``crossspace push``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser
from crossspace.errors import UsageError

_ABOUT = """Put a trained model on the Hugging Face hub, with a card that says what it learned from, how good it is, and
what it must not be used for.

'crossspace predict NAME corpus.parquet' then works anywhere. The token is that of 'hf auth login' or HF_TOKEN; another
hub is named by HF_ENDPOINT. 'crossspace card MODEL' prints the card beforehand; a README.md beside the model is taken
in its place."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace push", description=_ABOUT, imports=True)
    parser.add_argument("model", help="run folder, folder of a seed, or folder of an exported model")
    parser.add_argument("name", help="owner/name on the hub, or owner/name@branch; made if there is none")
    parser.add_argument("--private", action="store_true", help="a repository that is made is private")
    parser.add_argument("--license", metavar="ID", help="of the weights, such as apache-2.0; not stated if not given")
    parser.add_argument("--run", help="folder of the run that the model is from, where it does not lie beside it")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Push."""
    options = parsers()[""].parse_all(words)

    from crossspace.hub import HubName
    from crossspace.onnx import ExportedPredictor, is_exported
    from crossspace.onnx.places import EXPORTED_FILES
    from crossspace.publishing.push import push, push_files

    name = HubName.read(options.name)
    if is_exported(options.model):
        if options.license or options.run:
            raise UsageError(
                f"{options.model} was exported with its card, which stays as it is. Leave out --license and --run, or "
                "write them into the README.md there first."
            )
        exported = ExportedPredictor.from_pretrained(options.model)
        message = f"{exported.description.model} as ONNX"
        print(push_files(Path(options.model), EXPORTED_FILES, name, message, options.private))
        return 0

    from crossspace.predict import Predictor
    from crossspace.publishing.card import written_card

    predictor = Predictor.from_pretrained(options.model)
    card = written_card(predictor, run=options.run, name=name.repository, licence=options.license)
    print(push(predictor, name, card, private=options.private))
    return 0
