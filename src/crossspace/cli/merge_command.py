"""``crossspace merge``."""

from __future__ import annotations

from collections.abc import Sequence

from crossspace.cli.parsing import Parser
from crossspace.errors import DataError

_ABOUT = """Make the one file of the parts that shards have made, on this machine or on several.

TARGET is the file that was named to 'crossspace extract ... --shard I/N' or 'crossspace predict ... --shard I/N'; the
parts stand beside it in the folder TARGET.parts. The file is the one that a single process would have written. The
parts are removed, unless something could not be done: run those shards again, and merge again."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace merge", description=_ABOUT)
    parser.add_argument("target", help="file to write, whose parts there are")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Merge."""
    options = parsers()[""].parse_all(words)

    from crossspace.engine.parts import PartsFolder

    folder = PartsFolder(options.target)
    kind = folder.plan().get("kind")
    if kind == "extract":
        from crossspace.cli.extract_command import tell_extraction
        from crossspace.features.extraction.corpus import merge

        return tell_extraction(merge(options.target), options.target)
    if kind == "predict":
        from crossspace.prediction_parts import merge_predictions

        rows = merge_predictions(options.target)
        print(f"{options.target}: {rows} utterances")
        return 0
    raise DataError(f"{folder.path} holds the parts of {kind!r}, which this release does not know. Update crossspace.")
