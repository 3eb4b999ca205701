"""``crossspace finetune``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.cli.component_options import add_options
from crossspace.cli.parsing import Parser, local
from crossspace.errors import UsageError
from crossspace.runtime import checked_seeds

if TYPE_CHECKING:
    from crossspace.finetuning.plan import Plan

_ABOUT = """Train a pretrained encoder on for the emotions of a corpus, and encode the corpus with it: one of texts, or
with --modality of sound or faces.

Training conversations are cut into folds, and each fold is encoded by an encoder that has not seen it; validation and
test are encoded by one that was trained on all training conversations. The corpus with these features is
OUT/seed-N/features.parquet, ready for 'crossspace train'; the encoders are OUT/seed-N/all and OUT/seed-N/fold-K, and
the extractor finetuned:OUT uses them on new conversations. Validation chooses the epoch; what the classifiers of the
encoders say of the test split, read once, is in OUT/results.json.

The same command goes on after an interruption."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    from crossspace.features.finetuned.settings import FineTuning

    parser = Parser(prog="crossspace finetune", description=_ABOUT)
    parser.add_argument("corpus", type=local, help="corpus file (.parquet) with labels, and with texts or clips")
    parser.add_argument(
        "--out", type=local, required=True, help="folder of encoders and features, new or of the same command"
    )
    parser.add_argument(
        "--modality",
        choices=("text", "audio", "visual"),
        default="text",
        help="what is read: texts (default), or what 'crossspace extract --audio clips:FOLDER' or '--visual "
        "clips:FOLDER' kept",
    )
    parser.add_argument("--clips", type=local, help="that folder, where it does not lie beside the corpus")
    parser.add_argument(
        "--base",
        default="minilm",
        help="the encoder: minilm (default), or transformers:MODEL, a folder or a hub's name",
    )
    _add_features(parser)
    add_options(parser, FineTuning)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    parser.add_argument(
        "--jobs", type=int, help="encoders at a time (default: one per processor on the CPU, one on a GPU)"
    )
    parser.add_argument("--threads", type=int, help="of each on the CPU (default: the processors, shared out)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    return {"": parser}


def _add_features(parser: Parser) -> None:
    """Who encodes what, what becomes the features, and how often."""
    parser.add_argument(
        "--folds", type=int, default=5, help="into which the training conversations are cut (default 5)"
    )
    parser.add_argument(
        "--in-sample",
        action="store_true",
        help="cut none: the features of training utterances come from an encoder that was trained on their labels, as "
        "is usual in the field; everything made from them says so",
    )
    parser.add_argument(
        "--others",
        choices=("all", "folds"),
        default="all",
        help="what encodes validation and test: the encoder of all training conversations (default), or the mean of "
        "those of the folds, which saves training it",
    )
    parser.add_argument(
        "--output",
        choices=("states", "logits", "both"),
        default="states",
        help="the features: what the classifier sees (default), what it says, or both",
    )
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, one set of encoders each (default 1)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")


def run(words: Sequence[str]) -> int:
    """Fine-tune."""
    options = parsers()[""].parse_all(words)
    plan = _plan(options)

    from crossspace.cli.trainings_progress import TrainingsProgress
    from crossspace.finetuning.run import finetune
    from crossspace.runtime import processors
    from crossspace.training.devices import Devices

    device = Devices(options.device, threads=options.threads).kind
    encoders = len(plan.seeds) * (plan.folds + (plan.others == "all"))
    jobs = min(options.jobs or (1 if device == "cuda" else processors()), encoders)
    threads = options.threads or max(1, processors() // jobs)
    with TrainingsProgress("encoders", hidden=options.quiet) as progress:
        results = finetune(
            plan, Path(options.out), jobs=jobs, threads=threads, device=device, on_progress=progress.show
        )
    _summarise(results, Path(options.out), plan)
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    from dataclasses import fields

    from crossspace.features.finetuned.settings import FineTuning
    from crossspace.finetuning.plan import Plan

    if (options.jobs or 1) < 1 or options.seeds < 1:
        raise UsageError("`--jobs` and `--seeds` should be at least 1.")
    given: dict[str, Any] = vars(options)
    settings = FineTuning(**{f.name: given[f.name] for f in fields(FineTuning) if f.name in given})
    return Plan(
        Path(options.corpus),
        options.base,
        settings,
        tuple(checked_seeds(range(options.first_seed, options.first_seed + options.seeds))),
        0 if options.in_sample else options.folds,
        options.others,
        options.output,
        options.modality,
        Path(options.clips) if options.clips else None,
    )


def _summarise(results: dict[str, Any], out: Path, plan: Plan) -> None:
    from crossspace.cli.terminal_tables import print_results

    if "metrics" in results:
        print_results(results)
    for seed in plan.seeds:
        print(f"Features: {out / f'seed-{seed}' / 'features.parquet'}")
    if not plan.folds:
        print("Training utterances have features from an encoder that has seen their labels (--in-sample).")
