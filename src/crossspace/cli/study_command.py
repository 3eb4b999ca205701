"""``crossspace study run | report``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.cli.engine_options import add_engine, engine_of
from crossspace.cli.parsing import Parser, anywhere, do_action, local, split_off_components
from crossspace.errors import DataError, UsageError
from crossspace.stores import place
from crossspace.training.tracking import TRACKERS

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus
    from crossspace.engine.progress import Progress
    from crossspace.engine.workers import Engine
    from crossspace.studies.study import Study

ACTIONS = {
    "run": "train every variant of a study with every seed, or go on where that was interrupted",
    "report": "write tables and figures of what a study has trained so far",
}


def run(words: Sequence[str]) -> int:
    """Do one of the two."""
    return do_action("study", ACTIONS, {"run": _run, "report": _report}, words)


_ABOUT = """Run a study: every variant with every seed, each tested once, then a report of tables and figures.

STUDY is a name ('crossspace list studies') or a YAML file of your own. The same command again goes on where the
first was interrupted and repeats nothing; while another process runs it, on this machine or on one that shares the
folder, it takes part in the work. Any argument can be changed for all variants, as in 'crossspace train':
--training.epochs 20."""


def parsers() -> dict[str, Parser]:
    """The parsers of the actions."""
    return {"run": _run_parser(), "report": _report_parser()}


def _run_parser() -> Parser:
    parser = Parser(prog="crossspace study run", description=_ABOUT, takes_components=True, imports=True)
    parser.add_argument("study", type=local, help="name of a shipped study, or a YAML file")
    parser.add_argument("--data", type=anywhere, required=True, help="corpus file (.parquet)")
    parser.add_argument(
        "--out", type=anywhere, required=True, help="folder of the study: new, empty, or of this same study"
    )
    parser.add_argument("--settings", help="whose recipes to use, such as iemocap, meld or mosi")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds of every variant (default 5)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument("--jobs", type=int, help="trainings at a time (default: one per processor)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each variant's costs (default 3)")
    parser.add_argument("--best-on-test", action="store_true", help="also train all under the protocol best-on-test")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    parser.add_argument(
        "--track", choices=TRACKERS, default="auto", help="who else sees the trainings (auto: TensorBoard if there)"
    )
    add_engine(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _run(words: list[str]) -> int:
    known, rest = split_off_components(words)
    options = _run_parser().parse_all(known)
    address = place(options.out)
    if isinstance(address, Path):
        return _run_here(options, rest)
    if options.engine != "local":
        raise UsageError(
            "A study on a store is worked on in a folder of this machine, which those of a cluster do not see. Leave "
            "out --engine, or name as --out a folder that all of them see."
        )
    from crossspace.experiment.mirror import mirrored

    with mirrored(address, resume=True) as mirror:
        options.out = str(mirror.folder)
        return _run_here(options, rest, str(address), mirror.check)


def _run_here(
    options: argparse.Namespace, rest: list[str], address: str = "", check: Callable[[], None] = lambda: None
) -> int:
    """Run a study in a folder of this machine.

    Args:
        options: of the command.
        rest: those of components.
        address: where the folder is mirrored, if it is.
        check: asked again and again whether to go on.
    """
    from crossspace.data.corpus import Corpus
    from crossspace.engine.work import one_line
    from crossspace.runtime import processors
    from crossspace.studies.report import report_if_need_be
    from crossspace.studies.run import check_counts

    jobs = processors() if options.jobs is None else options.jobs
    check_counts(jobs=jobs, seeds=options.seeds, rounds=options.rounds)
    engine = engine_of(options)
    if not place(options.data).exists():
        raise DataError(f"There is no file {options.data}. 'crossspace data import' makes a corpus.")
    corpus = Corpus.read(options.data)
    study = _planned(options, rest, corpus)
    _tell_settings(study)
    failures = _execute(study, corpus, options, jobs, engine, check)
    for variant, reason in failures.items():
        print(f"{variant} failed: {one_line(reason)}")
    results = [Path(options.out) / "runs" / variant.name / "results.json" for variant in study.variants]
    if not any(path.exists() for path in results):
        raise DataError("Every variant failed; there is nothing to report.")
    report = report_if_need_be(options.out)
    print(f"Report: {f'{address}/{report.name}' if address else report}")
    return 1 if failures else 0


def _planned(options: argparse.Namespace, components: list[str], corpus: Corpus) -> Study:
    """The study for this corpus, with what the command line changes for all variants."""
    from crossspace.configuration import options_to_tree
    from crossspace.studies.plan import plan
    from crossspace.studies.shipped import read_study, study_path, study_summary

    return plan(
        read_study(options.study),
        corpus,
        name=study_path(options.study).stem,
        about=study_summary(options.study),
        settings=options.settings,
        changes=options_to_tree(components),
        best_on_test=options.best_on_test,
    )


def _tell_settings(study: Study) -> None:
    if study.settings is not None:
        why = f": {study.settings_because}. --settings chooses others." if study.settings_because else ""
        print(f"Settings: {study.settings}{why}")
    if study.left_out:
        print(f"Without {', '.join(study.left_out)}: nothing is known for these settings.")


def _execute(
    study: Study,
    corpus: Corpus,
    options: argparse.Namespace,
    jobs: int,
    engine: Engine,
    check: Callable[[], None],
) -> dict[str, str]:
    """Train what is not yet trained; returns ``{variant: reason}`` of what failed."""
    from crossspace.cli.trainings_progress import TrainingsProgress
    from crossspace.studies.run import StudyRun

    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with TrainingsProgress(study.name, hidden=options.quiet) as bar:

        def tell(progress: Progress) -> None:
            check()
            bar.show(progress)

        return StudyRun(
            study,
            corpus,
            options.data,
            options.out,
            seeds,
            jobs=jobs,
            accelerator=options.device,
            track=options.track,
            rounds=options.rounds,
            on_progress=tell,
            engine=engine,
        ).execute()


def _report_parser() -> Parser:
    parser = Parser(
        prog="crossspace study report",
        description="Write the tables (Markdown, LaTeX, CSV, HTML) and figures of a study, finished or not.",
        imports=True,
    )
    parser.add_argument("study", type=local, help="folder of the study")
    parser.add_argument("--out", type=local, help="folder to write to (default: that of the study)")
    parser.add_argument("--page", action="store_true", help="only Markdown and SVG figures, as a page for a site")
    return parser


def _report(words: list[str]) -> int:
    options = _report_parser().parse_all(words)

    from crossspace.studies.report import write_study_report

    print(f"Report: {write_study_report(options.study, options.out, options.page)}")
    return 0
