"""``crossspace predict``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.cli.parsing import Parser, check_split, local, spare
from crossspace.errors import DataError, UsageError
from crossspace.runtime import replacing, write_text

if TYPE_CHECKING:
    import pyarrow as pa

    from crossspace.data.conversation import Conversation
    from crossspace.predict import Predictor

_SHOWN = 40
_ABOUT = """Predict the emotion of every utterance.

SOURCE is a corpus (.parquet) and the result a table (.csv, .parquet), or a conversation (.json) and the result JSON
with probabilities, what every modality alone would say, and how much each contributes. Without --out it is printed."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    ending = "The ending of --out says the format: --out FILE.csv or FILE.parquet, FILE.json for a conversation."
    parser = Parser(prog="crossspace predict", description=_ABOUT, instead={"--format": ending, "--output": ending})
    parser.add_argument("model", help="run folder, folder of a seed, or name on a hub")
    parser.add_argument("source", type=local, help="corpus (.parquet) or conversation (.json)")
    parser.add_argument("--split", default="all", help="train, validation, test or all (default) of a corpus")
    parser.add_argument("--out", help="file to write; the terminal if not given")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Predict."""
    given = parsers()[""].parse_all(words)
    source = Path(given.source)
    _check(given, source)
    # What is to be predicted is read before the model, which takes longer.
    if source.suffix == ".json":
        from crossspace.data.conversation_json import read_conversation

        conversation = read_conversation(given.source)
        return _conversation(_predictor(given.model), conversation, given.source, given.out)

    from crossspace.data.corpus import Corpus

    corpus = Corpus.read(given.source)
    if not len(corpus.split(given.split)):
        raise DataError(
            f"{given.source} should have the split {given.split}. Found {', '.join(corpus.splits) or 'none'}."
        )
    table = _predictor(given.model).predict_corpus(corpus, given.split)
    if given.out is None:
        _print(table)
        return 0
    _write(table, given.out)
    print(f"{given.out}: {table.num_rows} utterances")
    return 0


def _check(given: Any, source: Path) -> None:
    """Everything that needs no model."""
    spare(given.out, given.source)
    if source.suffix not in (".json", ".parquet"):
        raise UsageError(
            f"SOURCE should be a corpus (.parquet) or a conversation with features (.json). Found {given.source!r}. "
            "For a recording or a transcript there is 'crossspace analyze'."
        )
    check_split(given.split)
    fitting = (".json",) if source.suffix == ".json" else (".csv", ".parquet")
    if given.out is not None and Path(given.out).suffix not in fitting:
        raise UsageError(f"--out should end in {' or '.join(fitting)} here. Found {given.out!r}.")
    if not source.is_file():
        raise DataError(f"{source} should be a file. Found {'a folder' if source.is_dir() else 'nothing'}.")


def _predictor(name: str) -> Predictor:
    from crossspace.predict import Predictor

    predictor = Predictor.from_pretrained(name)
    print(f"Model: {predictor.name}", file=sys.stderr)
    return predictor


def _write(table: pa.Table, out: str) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    with replacing(out) as temporary:
        if out.endswith(".csv"):
            pyarrow.csv.write_csv(table, temporary)
        else:
            pyarrow.parquet.write_table(table, temporary, write_page_checksum=True)


def _print(table: pa.Table) -> None:
    """The first rows of a prediction table, as ``crossspace analyze`` prints them."""
    from crossspace.cli.tables import show

    columns = ("conversation_id", "utterance_id", "speaker", "label", "confidence")
    rows = [tuple(row[name] for name in columns) for row in table.select(columns).slice(0, _SHOWN).to_pylist()]
    show(
        "predictions",
        ("conversation", "utterance", "speaker", "emotion", "p"),
        [(*row[:4], f"{row[4]:.2f}") for row in rows],
        numbers=False,
    )
    if table.num_rows > _SHOWN:
        print(f"... and {table.num_rows - _SHOWN:,} more; --out FILE.csv or FILE.parquet writes them all.")


def _conversation(predictor: Predictor, conversation: Conversation, source: str, out: str | None) -> int:
    known = set(predictor.task.modalities)
    given = {modality for utterance in conversation.utterances for modality in utterance.features}
    if strange := given - known:
        print(f"Note: the model does not use {', '.join(sorted(strange))}.", file=sys.stderr)
    if not known & given:
        raise DataError(
            f"{source} should have features of {' or '.join(sorted(known))}, which the model uses. Found none. For a "
            "conversation of text alone there is 'crossspace analyze', with a model whose extractors are known."
        )
    text = json.dumps(predictor.predict(conversation), indent=2, ensure_ascii=False, allow_nan=False)
    if out is None:
        print(text)
    else:
        write_text(out, text + "\n")
    return 0
