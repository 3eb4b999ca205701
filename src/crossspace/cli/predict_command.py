"""``crossspace predict``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.cli.engine_options import add_engine, engine_of
from crossspace.cli.parsing import Parser, anywhere, check_split, spare
from crossspace.cli.sharding import add_shard, tell_shard
from crossspace.errors import DataError, UsageError
from crossspace.runtime import write_text
from crossspace.stores import Place, place

if TYPE_CHECKING:
    import pyarrow as pa

    from crossspace.data.conversation import Conversation
    from crossspace.data.corpus import Corpus
    from crossspace.onnx.loading import AnyPredictor
    from crossspace.onnx.predictor import ExportedPredictor
    from crossspace.predict import Predictor

_SHOWN = 40
_CACHE = 64 * 1024**2
"""Bytes of decoded features that are kept: every row is seen once."""
_ABOUT = """Predict the emotion of every utterance.

SOURCE is a corpus (.parquet) and the result a table (.csv, .parquet), or a conversation (.json) and the result JSON
with probabilities, what every modality alone would say, and how much each contributes. Without --out it is printed.

A table is made in parts: after an interruption the same command goes on, and with --shard I/N it makes the I-th of N
shares of them, of which 'crossspace merge FILE' makes the table."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    ending = "The ending of --out says the format: --out FILE.csv or FILE.parquet, FILE.json for a conversation."
    parser = Parser(
        prog="crossspace predict", description=_ABOUT, imports=True, instead={"--format": ending, "--output": ending}
    )
    parser.add_argument("model", help="run folder, folder of a seed or of an exported model, or name on a hub")
    parser.add_argument("source", type=anywhere, help="corpus (.parquet, or a folder of files) or conversation (.json)")
    parser.add_argument("--split", default="all", help="train, validation, test or all (default) of a corpus")
    parser.add_argument("--out", help="file to write; the terminal if not given")
    parser.add_argument("--jobs", type=int, default=1, help="parts of a table at a time, each in a process")
    add_engine(parser)
    add_shard(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Predict."""
    options = parsers()[""].parse_all(words)
    source = place(options.source)
    _check(options, source)
    # What is to be predicted is read before the model, which takes longer.
    if source.suffix == ".json":
        from crossspace.data.conversation_json import read_with_extractors

        conversation, extractors = read_with_extractors(options.source)
        return _conversation(_predictor(options.model), conversation, extractors, options.source, options.out)

    from crossspace.data.corpus import Corpus
    from crossspace.onnx import ExportedPredictor

    corpus = Corpus.read(options.source, _CACHE)
    if not len(corpus.split(options.split)):
        raise DataError(
            f"{options.source} should have the split {options.split}. Found {', '.join(corpus.splits) or 'none'}."
        )
    predictor = _predictor(options.model)
    parts = options.shard is not None or options.jobs > 1 or options.engine != "local"
    if parts and isinstance(predictor, ExportedPredictor):
        raise UsageError(
            "An exported model predicts in this process alone, on all its processors. Leave out --jobs, --engine and "
            "--shard, or predict with the model that was exported."
        )
    if options.out is None:
        table = predictor.predict_corpus(corpus, options.split)
        _note(*predictor.unmatched(corpus, options.split), "the corpus")
        _print(table)
        return 0
    if isinstance(predictor, ExportedPredictor):
        return _exported_to_file(options, predictor, corpus)
    return _to_file(options, predictor, corpus)


def _exported_to_file(options: argparse.Namespace, predictor: ExportedPredictor, corpus: Corpus) -> int:
    from crossspace.evaluation.predictions import write_table

    table = predictor.predict_corpus(corpus, options.split)
    write_table(table, options.out)
    _note(*predictor.unmatched(corpus, options.split), "the corpus")
    print(f"{options.out}: {table.num_rows} utterances")
    return 0


def _to_file(options: argparse.Namespace, predictor: Predictor, corpus: Corpus) -> int:
    from crossspace.cli.parts_bar import PartsBar
    from crossspace.prediction_parts import predict_parts, predict_to

    given = (predictor, corpus, options.source, options.split, options.out)
    with PartsBar("conversations", hidden=options.quiet) as bar:
        settings: dict[str, Any] = {"engine": engine_of(options), "jobs": options.jobs, "progress": bar.show}
        if options.shard is None:
            rows = predict_to(*given, **settings)
        else:
            outcomes = predict_parts(*given, shard=options.shard, **settings)
    _note(*predictor.unmatched(corpus, options.split), "the corpus")
    if options.shard is not None:
        return tell_shard(options.shard, outcomes.values(), options.out)
    print(f"{options.out}: {rows} utterances")
    return 0


def _check(options: Any, source: Place) -> None:
    """Everything that needs no model."""
    from crossspace.data.store.many import is_many

    spare(options.out, options.source)
    many = is_many(source)
    if source.suffix not in (".json", ".parquet") and not many:
        raise UsageError(
            f"SOURCE should be a corpus (.parquet) or a conversation with features (.json). Found {options.source!r}. "
            "For a recording or a transcript there is 'crossspace analyze'."
        )
    check_split(options.split)
    if options.jobs < 1:
        raise UsageError(f"--jobs should be at least 1. Found {options.jobs}.")
    if options.shard is not None and (options.out is None or source.suffix == ".json"):
        raise UsageError("--shard goes with a corpus and --out FILE, beside which the parts are made.")
    fitting: tuple[str, ...] = (".json",) if source.suffix == ".json" else (".csv", ".parquet")
    if options.out is not None and Path(options.out).suffix not in fitting:
        raise UsageError(f"--out should end in {' or '.join(fitting)} here. Found {options.out!r}.")
    if not source.is_file() and not many:
        raise DataError(f"{source} should be a file. Found {'a folder' if source.is_dir() else 'nothing'}.")


def _predictor(name: str) -> AnyPredictor:
    from crossspace.onnx.loading import load_predictor

    predictor = load_predictor(name)
    print(f"Model: {predictor.name}", file=sys.stderr)
    return predictor


def _print(table: pa.Table) -> None:
    """The first rows of a prediction table, as ``crossspace analyze`` prints them."""
    from crossspace.cli.terminal_tables import print_table

    columns = ("conversation_id", "utterance_id", "speaker", "label", "confidence")
    rows = [tuple(row[name] for name in columns) for row in table.select(columns).slice(0, _SHOWN).to_pylist()]
    print_table(
        "predictions",
        ("conversation", "utterance", "speaker", "emotion", "p"),
        [(*row[:4], f"{row[4]:.2f}") for row in rows],
        numbers=False,
    )
    if table.num_rows > _SHOWN:
        print(f"... and {table.num_rows - _SHOWN:,} more; --out FILE.csv or FILE.parquet writes them all.")


def _note(lacking: Sequence[str], unused: Sequence[str], source: str) -> None:
    """Say which modalities of model and data do not meet."""
    from crossspace.inference.fit import said_unmatched

    for sentence in said_unmatched(lacking, unused, source):
        print(f"Note: {sentence}", file=sys.stderr)


def _conversation(
    predictor: AnyPredictor, conversation: Conversation, extractors: dict[str, Any], source: str, out: str | None
) -> int:
    from crossspace.features.extractors.base import named
    from crossspace.inference.fit import unmatched

    known = set(predictor.task.modalities)
    present = {modality for utterance in conversation.utterances for modality in utterance.features}
    if not known & present:
        raise DataError(
            f"{source} should have features of {' or '.join(sorted(known))}, which the model uses. Found none. For a "
            "conversation of text alone there is 'crossspace analyze', with a model whose extractors are known."
        )
    _note(*unmatched(sorted(known), sorted(present)), "the conversation")
    trained = predictor.extractors
    # Nothing is refused: features made elsewhere are the user's word, and mostly right.
    if unsaid := sorted(m for m in known & present if trained.get(m) and m not in extractors):
        print(
            f"Note: {source} does not say what made its features of {', '.join(unsaid)}; they should be those of "
            f"{', '.join(named(trained[m]) for m in unsaid)}.",
            file=sys.stderr,
        )
    records = predictor.predict(conversation, extractors=extractors)
    text = json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False)
    if out is None:
        print(text)
    else:
        write_text(out, text + "\n")
    return 0
