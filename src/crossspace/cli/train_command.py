"""``crossspace train``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.cli.parsing import Parser, anywhere, chosen_components, import_named, local, split_off_components
from crossspace.errors import UsageError
from crossspace.runtime import checked_seeds
from crossspace.stores import is_address, place
from crossspace.training.options import SECONDS
from crossspace.training.tracking import TRACKERS, check_tracker, sinks_for

if TYPE_CHECKING:
    from crossspace.configuration import Configuration
    from crossspace.data.corpus import Corpus
    from crossspace.training.event import Event

_ABOUT = """Train a model on a corpus, one training per seed, choose the epoch on the validation split, test once,
and write a run folder with models, predictions, results and a report.

Any argument of the model, the balancer or the training can be set as --model.width 64, --balancer.every 4,
--training.epochs 20, and so can the options of its parts, as --model.fusion.name low-rank --model.fusion.rank 8.
'--help all' lists them for what is chosen beside it."""


def parsers() -> dict[str, Parser]:
    """The options of the command itself; those of model, balancer and training come from their signatures."""
    parser = Parser(prog="crossspace train", description=_ABOUT, takes_components=True, imports=True)
    parser.add_argument("--data", type=anywhere, help="corpus file (.parquet)")
    parser.add_argument("--out", type=anywhere, help="folder of the run, new or empty")
    parser.add_argument("--recipe", help="start from a recipe; 'crossspace list recipes' names them")
    parser.add_argument("--config", type=local, help="start from a YAML file, such as the config.yaml of another run")
    parser.add_argument("--seeds", type=int, help="number of seeds to train (default 1)")
    parser.add_argument("--first-seed", type=int, help="the first of them (default 0)")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run in --out")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    parser.add_argument("--processes", type=int, default=1, help="processes on each machine, one per device")
    parser.add_argument(
        "--jobs", type=int, default=1, help="seeds at a time, each in a process with its share of the processors"
    )
    parser.add_argument("--nodes", type=int, default=1, help="machines that train together; torchrun says it itself")
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=SECONDS,
        metavar="S",
        help=f"between two checkpoints, which is what a killed training does again (default {SECONDS:g})",
    )
    parser.add_argument(
        "--threads", type=int, help="threads of each process on the CPU (default: one for small models)"
    )
    parser.add_argument(
        "--track", choices=TRACKERS, default="auto", help="who else sees it (auto: TensorBoard if there)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--model", help="name of a model; 'crossspace list models' names them")
    parser.add_argument("--balancer", help="name of a balancer; 'crossspace list balancers' names them")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Train."""
    known, rest = split_off_components(words)
    # Before parsing, which would answer --help itself.
    if "--help" in known and "all" in known:
        return _help_all(known, rest)
    options = parsers()[""].parse_all(known)
    address = None if options.out is None else place(options.out)
    if address is None or isinstance(address, Path):
        return _run(options, rest)
    if options.processes > 1:
        raise UsageError(
            "--processes is for runs in a folder of this machine. Leave it out, or name such a folder as --out."
        )
    from crossspace.experiment.mirror import mirrored

    with mirrored(address, options.resume) as mirror:
        options.out = str(mirror.folder)
        return _run(options, rest, str(address), mirror.check)


def _run(
    options: argparse.Namespace, rest: Sequence[str], address: str = "", check: Callable[[], None] = lambda: None
) -> int:
    """Train in a folder of this machine.

    Args:
        options: of the command.
        rest: those of components.
        address: where the folder is mirrored, if it is.
        check: asked again and again whether to go on.
    """
    settings = _run_settings(options)
    _check(options, settings["data"])

    from crossspace.configuration import read_configuration
    from crossspace.data.corpus import Corpus

    configuration = read_configuration(options.recipe, settings["source"], [*chosen_components(options), *rest])
    corpus = Corpus.read(settings["data"])
    check_tracker(options.track)
    results = _train(configuration, corpus, options, settings, check)
    if results:  # only the first of several processes has any
        _summarise(results, Path(options.out), address or options.out)
    return 0


def _check(options: argparse.Namespace, data: str | None) -> None:
    """Refuse a command that lacks something; what may stand in config.yaml is not required by the parser itself."""
    needed = {
        "--out, the folder of the run": options.out,
        "--data, a corpus file, which 'crossspace data import' makes": data,
    }
    # Both at once, each with what it is.
    if None in needed.values():
        raise UsageError("'crossspace train' needs " + " and ".join(k for k, v in needed.items() if v is None) + ".")
    if options.processes < 1 or (options.threads or 1) < 1:
        raise UsageError("`--processes` and `--threads` should be at least 1.")
    if not options.checkpoint_seconds >= 0:
        raise UsageError(f"`--checkpoint-seconds` should be at least 0. Found {options.checkpoint_seconds:g}.")


def _train(
    configuration: Configuration,
    corpus: Corpus,
    options: argparse.Namespace,
    settings: dict[str, Any],
    check: Callable[[], None],
) -> dict[str, Any]:
    """Train every seed under a progress bar; returns the content of ``results.json``."""
    from crossspace.cli.progress import TrainingProgress
    from crossspace.experiment import Run
    from crossspace.training.devices import Devices
    from crossspace.training.processes import is_first_process

    # With several processes each runs this command; one of them speaks.
    with TrainingProgress(len(settings["seeds"]), hidden=options.quiet or not is_first_process()) as progress:

        def tell(seed: int, event: Event) -> None:
            check()
            progress.show(seed, event)

        return Run(
            configuration,
            corpus,
            settings["data"],
            options.out,
            settings["seeds"],
            Devices(options.device, options.processes, options.threads, options.nodes),
            on_event=tell,
            sinks=partial(
                sinks_for,
                options.track,
                store=Path(options.out),
                parameters=configuration.to_dict(),
                tags={"corpus": corpus.name, "fingerprint": corpus.fingerprint},
            ),
            checkpoint_seconds=options.checkpoint_seconds,
            jobs=options.jobs,
        ).execute(resume=options.resume)


def _run_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Corpus, seeds and configuration file, from the options or from the config.yaml that is used again."""
    stored = Path(options.out or ".") / "config.yaml"
    # --resume needs nothing but the folder, unless the user says what to begin with.
    continues = options.resume and options.recipe is None and options.config is None
    source = stored if continues and stored.exists() else options.config
    content: dict[str, Any] = {}
    if source is not None:
        from crossspace.configuration import read_yaml

        content = read_yaml(Path(source))
    return {"source": source, "data": options.data or content.get("data"), "seeds": _seeds(options, content)}


def _seeds(options: argparse.Namespace, content: dict[str, Any]) -> list[int]:
    """The seeds to train: as the configuration file has them, or counted from the first."""
    stated = content.get("seeds", [0])
    # YAML may say how many, as the option does.
    if isinstance(stated, int) and stated >= 1:
        stated = range(stated)
    if not isinstance(stated, (list, range)) or not stated or not all(isinstance(seed, int) for seed in stated[:1]):
        raise UsageError(f"`seeds` should be a list of whole numbers, or how many to train. Found {stated!r}.")
    # The list of a file may have gaps, which counting from the first would fill.
    if options.seeds is None and options.first_seed is None:
        return checked_seeds(stated)
    first = stated[0] if options.first_seed is None else options.first_seed
    return checked_seeds(range(first, first + (len(stated) if options.seeds is None else options.seeds)))


def _help_all(words: list[str], rest: Sequence[str]) -> int:
    from crossspace.configuration import configuration_parser, read_configuration

    options, _ = parsers()[""].parse_known_args([w for w in words if w not in ("--help", "all")])
    import_named(options)
    configuration = read_configuration(options.recipe, options.config, [*chosen_components(options), *rest])
    print(parsers()[""].format_help())
    model, balancer = configuration.model, configuration.balancer
    components = configuration_parser(model["name"], balancer["name"], "crossspace train", model)
    for action in components._actions:
        if action.option_strings in (["--model"], ["--balancer"], ["--training"]):
            action.help = argparse.SUPPRESS  # whole sections are read from YAML by --config, and only there
    print(components.format_help())
    return 0


def _summarise(results: dict[str, Any], out: Path, where: str) -> None:
    from crossspace.cli.terminal_tables import print_notes, print_results
    from crossspace.evaluation.remarks import remarks_of_run
    from crossspace.experiment.folder import REPORT

    print_results(results)
    environment = json.loads((out / "environment.json").read_text(encoding="utf-8"))
    print_notes(remarks_of_run(results, environment))
    print(f"Report: {where}/{REPORT}" if is_address(where) else f"Report: {out / REPORT}")
