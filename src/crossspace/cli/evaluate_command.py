"""``crossspace evaluate``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.cli.parsing import Parser, anywhere, check_split, spare
from crossspace.errors import DataError, UsageError
from crossspace.runtime import write_text
from crossspace.stores import Place, place

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus
    from crossspace.predict import Predictor

_ABOUT = """Score the models of a run on a split of a corpus: every seed of a run folder, or the one model of a seed's
folder."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace evaluate", description=_ABOUT, imports=True)
    parser.add_argument("model", type=anywhere, help="run folder, or folder of a seed")
    parser.add_argument("corpus", type=anywhere, help="corpus file (.parquet)")
    parser.add_argument("--split", default="test", help="train, validation or test (default)")
    parser.add_argument(
        "--stability",
        action="store_true",
        help="also change what comes after utterances (leave it out, shuffle it, add turns) and count whose label "
        "changes",
    )
    parser.add_argument("--out", type=anywhere, help="also write the scores to this JSON file")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Evaluate."""
    options = parsers()[""].parse_all(words)
    folder = _model_folder(options)

    from crossspace.data.corpus import Corpus
    from crossspace.predict import Predictor

    corpus = Corpus.read(options.corpus)
    # Those with a result: a seed that is still being trained has a model, and not its best one.
    seeds: list[Place] = [path.parent for path in folder.glob("seed-*/result.json")]
    seeds = sorted(seeds, key=str) or [folder]
    predictors = [Predictor.from_pretrained(seed) for seed in seeds]
    results, notes = _score(predictors, corpus, options.split)
    if options.stability:
        results["stability"] = _steadiness(predictors, corpus, options.split, notes)
    _print(results, notes)
    if options.out is not None:
        results["notes"] = notes
        write_text(options.out, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    return 0


def _model_folder(options: argparse.Namespace) -> Place:
    """The folder of the model, after a look at all options."""
    check_split(options.split)
    folder = place(options.model)
    if options.out is not None and Path(options.out).suffix != ".json":
        raise UsageError(f"--out should end in .json. Found {options.out!r}.")
    spare(options.out, str(folder / "results.json"))
    if not folder.is_dir():
        raise DataError(
            f"{folder} should be the folder of a run or of a seed. Found "
            f"{'a file; the model comes first, then the corpus' if folder.is_file() else 'nothing'}."
        )
    return folder


def _score(predictors: list[Predictor], corpus: Corpus, split: str) -> tuple[dict[str, Any], list[str]]:
    """The results of all seeds together, and what is to be said of them."""
    import pyarrow as pa

    from crossspace.data.seen import seen_utterances
    from crossspace.evaluation.aggregate import aggregate
    from crossspace.evaluation.remarks import remarks
    from crossspace.inference.fit import said_unmatched
    from crossspace.predict import predictions_of

    details = predictors[0].model.details  # of one seed: those of a run differ in nothing but the seed
    tables = [
        # A model saved without its details has no seed; its place tells it from the others.
        predictions_of(predictor, corpus, split, int(predictor.model.details.get("seed", index)))
        for index, predictor in enumerate(predictors)
    ]
    protocol = str(details.get("protocol", "validation"))
    results = aggregate(pa.concat_tables(tables), corpus.spec.labels, protocol=protocol, split=split)
    lacking, unused = predictors[0].unmatched(corpus, split)
    # The best that is possible was worked out for all modalities; a model that lacks one is not held to it.
    if split in corpus.ceilings and not lacking:
        results["ceiling"] = {"accuracy": corpus.ceilings[split]}
    notes = [f"Note: {said}" for said in said_unmatched(lacking, unused)]
    # What the model was trained and chosen on, and what it is scored on now.
    trained = {s: found for s, found in details.get("seen", {}).items() if s != split}
    seen = trained | ({split: found} if (found := seen_utterances(corpus, split)) else {})
    notes += map(str, remarks(results, training_labels=details.get("training_labels"), seen=seen))
    return results, notes


def _steadiness(
    predictors: list[Predictor], corpus: Corpus, split: str, notes: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """How steady each seed is, and a note on what that does not measure."""
    from dataclasses import asdict

    from crossspace.inference.stability import stability

    found = [stability(corpus, split, p.probabilities) for p in predictors]
    later = [m for m, e in corpus.extractors.items() if e.get("name") == "finetuned"]
    if later:
        notes.append(
            f"Note: features stay as they are when later turns change. Where the encoder of {', '.join(later)} was "
            "fine-tuned to read later turns (--later-turns), a new recording is less steady than this."
        )
    return {"seeds": [{**asdict(one), "share": one.share} for one in found]}


def _print(results: dict[str, Any], notes: list[str]) -> None:
    from crossspace.cli.terminal_tables import print_notes, print_results, print_table

    print_results(results)
    rows = [
        (label, *(f"{100 * figures[key]['mean']:.2f}" for key in ("precision", "recall", "f1")), figures["support"])
        for label, figures in results["per_class"].items()
    ]
    print_table("per class, percent, mean over seeds", ("label", "precision", "recall", "F1", "support"), rows)
    if "stability" in results:
        _print_stability(results["stability"]["seeds"])
    print_notes(notes)


def _print_stability(seeds: list[dict[str, Any]]) -> None:
    from crossspace.cli.terminal_tables import print_table
    from crossspace.inference.stability import CHANGES, CONFIDENT

    rows = [
        (
            number,
            one["confident"],
            *(f"{100 * one['changed'][c] / max(one['confident'], 1):.2f}" for c in CHANGES),
            f"{100 * one['share']:.2f}",
        )
        for number, one in enumerate(seeds)
    ]
    title = f"labels given with a confidence above {CONFIDENT} that change when later turns are ..., percent"
    print_table(title, ("model", "labels", *CHANGES, "any of these"), rows)
