"""The predictions of a corpus in parts: on any engine, with a driver that holds neither features nor predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from crossspace import __version__
from crossspace.data.corpus import Corpus
from crossspace.data.part import AGAIN, NAME, is_part, open_part
from crossspace.engine.making import Piece, make_parts
from crossspace.engine.parts import Outcome, PartsFolder, Unwritten, key_of
from crossspace.engine.progress import PartsProgress
from crossspace.engine.shard import Shard
from crossspace.engine.work import Report, Work
from crossspace.engine.workers import Engine
from crossspace.errors import CrossspaceError, DataError, WritingError
from crossspace.inference.infer import batches_of
from crossspace.predict import Predictor
from crossspace.reading import reading
from crossspace.runtime import replacing
from crossspace.stores import Place, Where
from crossspace.stores.ahead import ahead

KIND = "predict"
ROWS = 4096
"""Utterances of a part, as of a batch of inference."""
CACHE = 64 * 1024**2
"""Bytes of decoded features that a worker keeps: it sees every row once."""


@dataclass(frozen=True)
class _Setup:
    model: str
    corpus: str
    split: str
    target: str
    made_by: str


@dataclass(frozen=True)
class _Bench:
    predictor: Predictor
    corpus: Corpus
    setup: _Setup


def predict_to(
    predictor: Predictor,
    corpus: Corpus,
    path: Where,
    split: str,
    target: Where,
    *,
    engine: Engine | None = None,
    jobs: int = 1,
    progress: Callable[[PartsProgress], None] = lambda state: None,
) -> int:
    """Write the prediction table of a split to a file; returns its number of rows.

    The same call goes on after an interruption, on whatever engine, and so do shards: see :func:`predict_parts`.

    Args:
        predictor: by what; workers load it again by its name.
        corpus, path: of what, and its file.
        split: of the corpus.
        target: the table (``.csv`` or ``.parquet``).
        engine: where it is done; on this machine if none is given.
        jobs: parts at a time.
        progress: told how far it is, in conversations.

    Raises:
        MismatchError: corpus and model do not fit.
        DataError: a part cannot be predicted.
    """
    folder = PartsFolder(target)
    with folder.claim():
        outcomes = predict_parts(predictor, corpus, path, split, target, engine=engine, jobs=jobs, progress=progress)
        rows = _merged(folder, list(outcomes.values()))
        folder.remove()
    return rows


def predict_parts(
    predictor: Predictor,
    corpus: Corpus,
    path: Where,
    split: str,
    target: Where,
    *,
    shard: Shard | None = None,
    engine: Engine | None = None,
    jobs: int = 1,
    progress: Callable[[PartsProgress], None] = lambda state: None,
) -> dict[int, Outcome]:
    """The parts of such a table, all or those of a shard; :func:`merge_predictions` makes the table of them.

    Args:
        shard: which of several processes this is.
        predictor, corpus, path, split, target, engine, jobs, progress: as for :func:`predict_to`.

    Raises:
        MismatchError: corpus and model do not fit.
        UsageError: other shards have other settings.
    """
    predictor.check(corpus)
    ids, model = corpus.conversation_ids(split), _digest(predictor)
    made_by = _made_by(model, corpus, split)
    if not ids:
        raise DataError(f"{path} should have the split {split}. Found {', '.join(corpus.splits) or 'none'}.")
    groups = batches_of(corpus.lengths(split), ROWS)
    pieces = [Piece(i, tuple(ids[c] for c in group), tuple(group)) for i, group in enumerate(groups)]
    return make_parts(
        PartsFolder(target),
        {
            "kind": KIND,
            "release": __version__,
            "model": model,
            "corpus": corpus.fingerprint,
            "split": split,
            "made_by": made_by,
        },
        pieces,
        Work(_begin, _predict, _Setup(predictor.name, str(path), split, str(target), made_by)),
        shard=shard,
        engine=engine,
        jobs=jobs,
        progress=progress,
    )


def merge_predictions(target: Where) -> int:
    """The table of the parts that shards have made; returns its number of rows.

    Raises:
        DataError: a shard lacks, or something could not be predicted.
        UsageError: a shard is still at work.
    """
    folder = PartsFolder(target)
    with folder.claim():
        rows = _merged(folder, folder.outcomes())
        folder.remove()
    return rows


def _begin(setup: _Setup) -> _Bench:
    predictor, corpus = Predictor.from_pretrained(setup.model), Corpus.read(setup.corpus, CACHE)
    # On another machine, or a moment later, another model or corpus may stand under the same name.
    if _made_by(_digest(predictor), corpus, setup.split) != setup.made_by:
        raise CrossspaceError(
            f"Every worker should have the same release of crossspace, the same model {setup.model} and the same "
            f"corpus {setup.corpus}. Found others. Run the command again once they are the same everywhere."
        )
    return _Bench(predictor, corpus, setup)


def _made_by(model: str, corpus: Corpus, split: str) -> str:
    return key_of(__version__, model, corpus.fingerprint, split)


def _predict(bench: _Bench, piece: Piece[int], report: Report) -> Outcome | Unwritten:
    setup = bench.setup
    name = key_of(setup.made_by, piece.contents)
    path = PartsFolder(setup.target).part(name)
    if not is_part(path):
        table = bench.predictor.predict_conversations(bench.corpus, setup.split, piece.contents)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), NAME: name.encode()})
        try:
            with replacing(path) as temporary:
                pq.write_table(table, temporary, write_page_checksum=True)
        except WritingError as error:
            return Unwritten(str(error))
    return Outcome([name])


def _digest(predictor: Predictor) -> str:
    """Of all that decides what a model says."""
    model = predictor.model
    told = [model.name, model.task.to_dict(), model.arguments, model.details.get("calibration", {})]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=repr).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _merged(folder: PartsFolder, outcomes: Sequence[Outcome]) -> int:
    failures = {name: reason for outcome in outcomes for name, reason in outcome.failures.items()}
    if failures:
        name, reason = next(iter(failures.items()))
        raise DataError(
            f"{folder.target}: {len(failures)} conversations could not be predicted, such as {name!r}: {reason} What "
            "was predicted is kept: the same command goes on."
        )
    if folder.plan().get("kind") != KIND:
        raise DataError(f"{folder.path} should hold the parts of predictions. Found others.")
    tables = _tables([folder.part(name) for outcome in outcomes for name in outcome.parts])
    first = next(tables)
    rows = len(first)
    with replacing(folder.target) as temporary, _writer(folder.target, temporary, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
            rows += len(table)
    return rows


def _tables(paths: Sequence[Place]) -> Iterator[pa.Table]:
    for table in ahead(_read, paths):
        kept = {key: value for key, value in (table.schema.metadata or {}).items() if key != NAME}
        yield table.replace_schema_metadata(kept or None)


def _read(path: Place) -> pa.Table:
    with reading(path, "a part of predictions (Parquet)", AGAIN):
        return open_part(path).read()


def _writer(target: Place, path: Path, schema: pa.Schema) -> Any:
    if target.suffix == ".csv":
        return pyarrow.csv.CSVWriter(path, schema)
    return pq.ParquetWriter(path, schema, write_page_checksum=True)
