"""``crossspace evaluate``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser, check_split, local, spare
from crossspace.errors import DataError, UsageError
from crossspace.runtime import write_text

_ABOUT = """Score the models of a run on a split of a corpus: every seed of a run folder, or the one model of a seed's
folder."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace evaluate", description=_ABOUT, imports=True)
    parser.add_argument("model", help="run folder, or folder of a seed")
    parser.add_argument("corpus", type=local, help="corpus file (.parquet)")
    parser.add_argument("--split", default="test", help="train, validation or test (default)")
    parser.add_argument("--out", help="also write the scores to this JSON file")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Evaluate."""
    given = parsers()[""].parse_all(words)
    check_split(given.split)
    folder = Path(given.model)
    if given.out is not None and Path(given.out).suffix != ".json":
        raise UsageError(f"--out should end in .json. Found {given.out!r}.")
    spare(given.out, folder / "results.json")
    if not folder.is_dir():
        raise DataError(
            f"{folder} should be the folder of a run or of a seed. Found "
            f"{'a file; the model comes first, then the corpus' if folder.is_file() else 'nothing'}."
        )

    import pyarrow as pa

    from crossspace.cli.terminal_tables import print_notes, print_results, show
    from crossspace.data.corpus import Corpus
    from crossspace.evaluation.aggregate import aggregate
    from crossspace.evaluation.remarks import remarks
    from crossspace.predict import Predictor, predictions_of, said_unmatched

    corpus = Corpus.read(given.corpus)
    seeds = sorted(path.parent for path in folder.glob("seed-*/result.json")) or [folder]
    predictors = [Predictor.from_pretrained(seed) for seed in seeds]
    tables = [
        predictions_of(predictor, corpus, given.split, int(predictor.model.details.get("seed", place)))
        for place, predictor in enumerate(predictors)
    ]
    protocol = str(predictors[0].model.details.get("protocol", "validation"))
    results = aggregate(pa.concat_tables(tables), corpus.spec.labels, protocol=protocol, split=given.split)
    lacking, unused = predictors[0].unmatched(corpus, given.split)
    if given.split in corpus.ceilings and not lacking:
        results["ceiling"] = {"accuracy": corpus.ceilings[given.split]}
    training_labels = predictors[0].model.details.get("training_labels")
    notes = [f"Note: {said}" for said in said_unmatched(lacking, unused)]
    notes += map(str, remarks(results, training_labels=training_labels))
    print_results(results)
    rows = [
        (label, *(f"{100 * found[key]['mean']:.2f}" for key in ("precision", "recall", "f1")), found["support"])
        for label, found in results["per_class"].items()
    ]
    show("per class, percent, mean over seeds", ("label", "precision", "recall", "F1", "support"), rows)
    print_notes(notes)
    if given.out is not None:
        results["notes"] = notes
        write_text(given.out, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    return 0
