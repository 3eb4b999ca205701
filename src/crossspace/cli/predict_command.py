"""``crossspace predict``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser, spare
from crossspace.errors import DataError, UsageError
from crossspace.runtime import replacing, write_text

_ABOUT = """Predict the emotion of every utterance.

SOURCE is a corpus (.parquet) and the result a table (.csv, .parquet), or a conversation (.json) and the result JSON
with probabilities, what every modality alone would say, and how much each contributes."""


def run(words: Sequence[str]) -> int:
    """Predict."""
    parser = Parser(prog="crossspace predict", description=_ABOUT)
    parser.add_argument("model", help="run folder, folder of a seed, or name on a hub")
    parser.add_argument("source", help="corpus (.parquet) or conversation (.json)")
    parser.add_argument("--split", default="all", help="train, validation, test or all (default) of a corpus")
    parser.add_argument("--out", help="file to write; for a conversation, the terminal if not given")
    given = parser.parse_all(words)
    spare(given.out, given.source)
    source = Path(given.source)
    if source.suffix not in (".json", ".parquet"):
        raise UsageError(
            f"SOURCE should be a corpus (.parquet) or a conversation with features (.json). Found {given.source!r}. "
            "For a recording or a transcript there is 'crossspace analyze'."
        )
    if not source.is_file():
        raise DataError(f"{source} should be a file. Found {'a folder' if source.is_dir() else 'nothing'}.")

    from crossspace.predict import Predictor

    predictor = Predictor.from_pretrained(given.model)
    print(f"Model: {predictor.name}", file=sys.stderr)
    if source.suffix == ".json":
        return _conversation(predictor, given.source, given.out)
    if given.out is None or Path(given.out).suffix not in (".csv", ".parquet"):
        raise UsageError(f"Predictions for a corpus need --out FILE.csv or FILE.parquet. Found {given.out!r}.")

    import pyarrow.csv
    import pyarrow.parquet

    from crossspace.data.corpus import Corpus

    corpus = Corpus.read(given.source)
    table = predictor.predict_corpus(corpus, given.split)
    if not table.num_rows:
        raise DataError(
            f"{given.source} should have the split {given.split}. Found {', '.join(corpus.splits) or 'none'}."
        )
    with replacing(given.out) as temporary:
        if given.out.endswith(".csv"):
            pyarrow.csv.write_csv(table, temporary)
        else:
            pyarrow.parquet.write_table(table, temporary)
    print(f"{given.out}: {table.num_rows} utterances")
    return 0


def _conversation(predictor: object, source: str, out: str | None) -> int:
    from crossspace.data.conversation_json import read_conversation
    from crossspace.predict import Predictor

    assert isinstance(predictor, Predictor)
    conversation = read_conversation(source)
    known = set(predictor.task.modalities)
    given = {modality for utterance in conversation.utterances for modality in utterance.features}
    if strange := given - known:
        print(f"Note: the model does not use {', '.join(sorted(strange))}.", file=sys.stderr)
    if not known & given:
        raise DataError(
            f"{source} should have features of {' or '.join(sorted(known))}, which the model uses. Found none. For a "
            "conversation of text alone there is 'crossspace analyze', with a model whose extractors are known."
        )
    text = json.dumps(predictor.predict(conversation), indent=2, ensure_ascii=False)
    if out is None:
        print(text)
    else:
        write_text(out, text + "\n")
    return 0
