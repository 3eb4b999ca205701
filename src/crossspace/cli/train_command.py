"""``crossspace train``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from crossspace.cli.parsing import Parser, import_named, local, split_off_components
from crossspace.errors import UsageError
from crossspace.runtime import checked_seeds
from crossspace.training.tracking import TRACKERS, check_tracker, sinks_for

_ABOUT = """Train a model on a corpus, one training per seed, choose the epoch on the validation split, test once,
and write a run folder with models, predictions, results and a report.

Any argument of the model, the balancer or the training can be set as --model.width 64, --balancer.every 4,
--training.epochs 20, and so can the options of its parts, as --model.fusion.name low-rank --model.fusion.rank 8.
'--help all' lists them for what is chosen beside it."""


def parsers() -> dict[str, Parser]:
    """The options of the command itself; those of model, balancer and training come from their signatures."""
    made = Parser(prog="crossspace train", description=_ABOUT, takes_components=True, imports=True)
    made.add_argument("--data", type=local, help="corpus file (.parquet)")
    made.add_argument("--out", help="folder of the run, new or empty")
    made.add_argument("--recipe", help="start from a recipe; 'crossspace list recipes' names them")
    made.add_argument("--config", help="start from a YAML file, such as the config.yaml of another run")
    made.add_argument("--seeds", type=int, help="number of seeds to train (default 1)")
    made.add_argument("--first-seed", type=int, help="the first of them (default 0)")
    made.add_argument("--resume", action="store_true", help="go on with an interrupted run in --out")
    made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    made.add_argument("--processes", type=int, default=1, help="processes, one per device")
    made.add_argument("--threads", type=int, help="threads of each process on the CPU (default: one for small models)")
    made.add_argument("--track", choices=TRACKERS, default="auto", help="who else sees it (auto: TensorBoard if there)")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    made.add_argument("--model", help="name of a model; 'crossspace list models' names them")
    made.add_argument("--balancer", help="name of a balancer; 'crossspace list balancers' names them")
    return {"": made}


def run(words: Sequence[str]) -> int:
    """Train."""
    known, rest = split_off_components(words)
    if "--help" in known and "all" in known:
        return _help_all(known, rest)
    given = parsers()[""].parse_all(known)
    chosen = [w for name in ("model", "balancer") if getattr(given, name) for w in (f"--{name}", getattr(given, name))]
    settings = _run_settings(given)
    needed = {
        "--out, the folder of the run": given.out,
        "--data, a corpus file, which 'crossspace data import' makes": settings["data"],
    }
    if None in needed.values():
        raise UsageError("'crossspace train' needs " + " and ".join(k for k, v in needed.items() if v is None) + ".")
    if given.processes < 1 or (given.threads or 1) < 1:
        raise UsageError("`--processes` and `--threads` should be at least 1.")

    from crossspace.configuration import read_configuration
    from crossspace.data.corpus import Corpus
    from crossspace.experiment import Run

    source = settings["source"]
    configuration = read_configuration(given.recipe, source, [*chosen, *rest])
    corpus = Corpus.read(settings["data"])
    check_tracker(given.track)
    from crossspace.cli.progress import TrainingProgress
    from crossspace.training.devices import Devices
    from crossspace.training.processes import is_first_process

    with TrainingProgress(len(settings["seeds"]), hidden=given.quiet or not is_first_process()) as progress:
        results = Run(
            configuration,
            corpus,
            settings["data"],
            given.out,
            settings["seeds"],
            Devices(given.device, given.processes, given.threads),
            on_event=progress.show,
            sinks=partial(
                sinks_for,
                given.track,
                store=Path(given.out),
                parameters=configuration.to_dict(),
                tags={"corpus": corpus.name, "fingerprint": corpus.fingerprint},
            ),
        ).execute(resume=given.resume)
    if results:
        _summarise(results, Path(given.out))
    return 0


def _run_settings(given: Any) -> dict[str, Any]:
    """Corpus, seeds and configuration file, from the options or from the config.yaml that is used again."""
    stored = Path(given.out or ".") / "config.yaml"
    alone = given.resume and given.recipe is None and given.config is None
    source = stored if alone and stored.exists() else given.config
    content: dict[str, Any] = {}
    if source is not None:
        from crossspace.configuration import read_yaml

        content = read_yaml(Path(source))
    return {"source": source, "data": given.data or content.get("data"), "seeds": _seeds(given, content)}


def _seeds(given: Any, content: dict[str, Any]) -> list[int]:
    """The seeds to train: as the configuration file has them, or counted from the first."""
    stated = content.get("seeds", [0])
    if isinstance(stated, int) and stated >= 1:
        stated = range(stated)
    if not isinstance(stated, (list, range)) or not stated or not all(isinstance(seed, int) for seed in stated[:1]):
        raise UsageError(f"`seeds` should be a list of whole numbers, or how many to train. Found {stated!r}.")
    if given.seeds is None and given.first_seed is None:
        return checked_seeds(stated)
    first = stated[0] if given.first_seed is None else given.first_seed
    return checked_seeds(range(first, first + (len(stated) if given.seeds is None else given.seeds)))


def _help_all(words: list[str], rest: Sequence[str]) -> int:
    from crossspace.configuration import configuration_parser, read_configuration

    given, _ = parsers()[""].parse_known_args([w for w in words if w not in ("--help", "all")])
    import_named(given)
    chosen = [w for name in ("model", "balancer") if getattr(given, name) for w in (f"--{name}", getattr(given, name))]
    configuration = read_configuration(given.recipe, given.config, [*chosen, *rest])
    print(parsers()[""].format_help())
    model, balancer = configuration.model, configuration.balancer
    made = configuration_parser(model["name"], balancer["name"], "crossspace train", model)
    for action in made._actions:
        if action.option_strings in (["--model"], ["--balancer"], ["--training"]):
            action.help = argparse.SUPPRESS  # whole sections are read from YAML by --config, and only there
    print(made.format_help())
    return 0


def _summarise(results: dict[str, Any], out: Path) -> None:
    from crossspace.cli.terminal_tables import print_notes, print_results
    from crossspace.evaluation.remarks import remarks_of_run

    print_results(results)
    environment = json.loads((out / "environment.json").read_text(encoding="utf-8"))
    print_notes(remarks_of_run(results, environment))
    print(f"Report: {out / 'report.html'}")
