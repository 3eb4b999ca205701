"""``crossspace tune``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from crossspace.cli.engine_options import add_engine, engine_of
from crossspace.cli.parsing import Parser, anywhere, chosen_components, local, split_off_components
from crossspace.errors import UsageError
from crossspace.stores import place

if TYPE_CHECKING:
    from crossspace.tune.trials import Trials

_ABOUT = """Search a space of configurations by cross-validation over the training and validation conversations; the
test split is not read. The best one is written to best.yaml in the folder, for 'crossspace train --config'.

The same command goes on with a search that was interrupted. With --shared several processes run it at a time on one
folder, and with --storage journal or postgresql://... on several machines that share the folder. The trials do not
depend on it.
As with 'crossspace train', --model.width 64 and its like set what is not searched."""


def parsers() -> dict[str, Parser]:
    """The options of the command itself."""
    parser = Parser(prog="crossspace tune", description=_ABOUT, takes_components=True, imports=True)
    parser.add_argument(
        "--space", type=local, help="YAML file: arguments such as model.width, with a list or low and high"
    )
    parser.add_argument("--data", type=anywhere, help="corpus file (.parquet)")
    parser.add_argument("--out", type=anywhere, help="folder of the search: new, empty, or one to go on with")
    parser.add_argument("--recipe", help="what the space varies: a recipe")
    parser.add_argument("--config", type=local, help="what the space varies: a YAML file")
    parser.add_argument("--trials", type=int, default=50, help="trials in all, earlier ones included (default 50)")
    parser.add_argument("--folds", type=int, default=5, help="folds of the cross-validation (default 5)")
    parser.add_argument("--seeds", type=int, default=1, help="trainings per fold (default 1)")
    parser.add_argument("--sampler-seed", type=int, default=0, help="seed of the draws (default 0)")
    parser.add_argument(
        "--at-once",
        type=int,
        help="trials of a generation: each is drawn from the generations before, so that the search is the same "
        "however many processes take part; as many can be worked on at a time (default 8)",
    )
    parser.add_argument("--jobs", type=int, default=1, help="trials at a time (default 1)")
    add_engine(parser)
    parser.add_argument("--shared", action="store_true", help="search together with other processes that say so too")
    parser.add_argument(
        "--storage",
        metavar="WHERE",
        help="where the trials stand: sqlite (default, for one machine), journal (for machines that share the folder) "
        "or postgresql://user@host/database (the password in PGPASSWORD, ~/.pgpass, or in the address)",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    parser.add_argument("--threads", type=int, help="threads on the CPU (default: one for small models)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--rerun", type=local, metavar="DIR", help="train the best of a search again and compare the scores"
    )
    parser.add_argument("--model", help="name of a model; 'crossspace list models' names them")
    parser.add_argument("--balancer", help="name of a balancer; 'crossspace list balancers' names them")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Search, or train the best again."""
    known, rest = split_off_components(words)
    options = parsers()[""].parse_all(known)
    if min(options.trials, options.seeds, options.threads or 1, options.jobs) < 1:
        raise UsageError("`--trials`, `--seeds`, `--threads` and `--jobs` should be at least 1.")
    if options.rerun is not None:
        return _rerun(options)
    needed = {
        "--space, a YAML file": options.space,
        "--data, a corpus file": options.data,
        "--out, a folder": options.out,
    }
    if None in needed.values():
        raise UsageError("'crossspace tune' needs " + " and ".join(k for k, v in needed.items() if v is None) + ".")
    if options.recipe is not None and options.config is not None:
        raise UsageError("`--recipe` and `--config` both say where to start. Give one of them.")
    try:
        return _anywhere(options, rest)
    # Another sentence than that of other commands: trials are saved one by one, and --resume is no option here.
    except KeyboardInterrupt:
        print("crossspace: interrupted. Finished trials are saved; the same command goes on.", file=sys.stderr)
        return 1


def _anywhere(options: argparse.Namespace, components: Sequence[str]) -> int:
    """Search in a folder of this machine, which is mirrored where the search is to stand on a store."""
    address = place(options.out)
    if isinstance(address, Path):
        return _search(options, components)
    if options.storage == "sqlite" or options.engine != "local":
        raise UsageError(
            "A search on a store is worked on in a folder of this machine, which no cluster sees and from which a file "
            "of SQLite cannot be copied while it is written. Leave out --storage and --engine, or give --storage "
            "journal or postgresql://..."
        )
    from crossspace.experiment.mirror import mirrored

    options.storage = options.storage or "journal"
    with mirrored(address, resume=True) as mirror:
        options.out = str(mirror.folder)
        return _search(options, components, str(address))


def _search(options: argparse.Namespace, components: Sequence[str], address: str = "") -> int:
    from dataclasses import replace

    from crossspace.configuration import read_configuration
    from crossspace.data.corpus import Corpus
    from crossspace.tune.search import settings_of
    from crossspace.tune.space import Space
    from crossspace.tune.together import Plan, search_together
    from crossspace.tune.trials import Trials

    Trials.check_extra()
    engine = engine_of(options)
    base = read_configuration(options.recipe, options.config, [*chosen_components(options), *components])
    # Whatever the recipe says: an epoch chosen on the fold itself would be the luckiest of many.
    base = replace(base, training=replace(base.training, protocol="validation"))
    space = Space.read(options.space, base)
    corpus = Corpus.read(options.data)
    plan = Plan(
        space,
        options.data,
        options.folds,
        options.seeds,
        options.device,
        options.threads,
        settings_of(space, corpus.fingerprint, options.data, options.folds, options.seeds, options.sampler_seed),
        Path(options.out),
        options.storage,
        options.at_once,
        options.trials,
    )
    from crossspace.cli.tune_progress import TuneProgress

    with TuneProgress(options.trials, hidden=options.quiet) as progress:
        if options.jobs == 1 and options.engine == "local":
            trials = plan.search(corpus, progress.show, options.shared).run(options.trials)
        else:
            trials = search_together(plan, corpus, engine, options.jobs, progress.show)
    return _summarise(trials, address or options.out, options.folds)


def _summarise(trials: Trials, out: str, folds: int) -> int:
    from crossspace.cli.terminal_tables import print_table
    from crossspace.tune.trials import spread

    finished, failed, best = trials.finished(), trials.failed(), trials.best()
    if best is None:
        # Trials mostly fail for one reason, which need not be read fifty times.
        reasons = list(dict.fromkeys(t.user_attrs["reason"] for t in failed))
        print(f"None of {len(finished)} trials has a score. They failed for these reasons:\n  " + "\n  ".join(reasons))
        return 1
    deviation, low, high = spread(best)
    rows = [
        ("weighted F1, mean over folds", f"{100 * float(best.value or 0):.2f}"),
        ("sd over folds", f"{100 * deviation:.2f}"),
        ("lowest to highest fold", f"{100 * low:.2f} to {100 * high:.2f}"),
        ("trials: all / failed", f"{len(finished)} / {len(failed)}"),
    ]
    print_table(f"best of the search, trial {best.number}, {folds} folds, percent", ("", "value"), rows)
    importance = trials.importance()
    arguments = [
        (name, value, f"{100 * importance[name]:.0f} %" if name in importance else "-")
        for name, value in best.user_attrs["arguments"].items()
    ]
    print_table("its arguments", ("argument", "value", "share of the variance"), arguments)
    print(f"Configuration: {out.rstrip('/')}/best.yaml")
    return 0


def _rerun(options: argparse.Namespace) -> int:
    from crossspace.configuration import read_yaml
    from crossspace.data.corpus import Corpus
    from crossspace.training.devices import Devices
    from crossspace.tune.best import BEST, train_best_again
    from crossspace.tune.folds import Folds
    from crossspace.tune.remembered import SETTINGS
    from crossspace.tune.trials import Trials

    folder = Path(options.rerun)
    missing = [name for name in (SETTINGS, BEST) if not (folder / name).exists()]
    if missing:
        raise UsageError(f"{folder} should be the folder of a search with a best trial. It has no {missing[0]}.")
    settings = read_yaml(folder / SETTINGS)
    path = options.data or settings["data"]
    corpus = Corpus.read(path)
    # Scores on other data would differ, and say nothing of whether the search can be repeated.
    if corpus.fingerprint != settings["fingerprint"]:
        raise UsageError(
            f"{folder} was searched on a corpus with the fingerprint {settings['fingerprint']}; {path} has "
            f"{corpus.fingerprint}. Name the same corpus with --data."
        )
    best = Trials(folder).best()
    if best is None:
        raise UsageError(f"{folder} holds no trial with a score. Go on with the search first.")
    devices = Devices(options.device, 1, options.threads)
    again = mean(train_best_again(folder, Folds(corpus, settings["folds"], range(settings["seeds"]), devices)))
    verdict = (
        "equal to the last digit" if again == best.value else f"they differ by {abs(again - (best.value or 0)):.2g}"
    )
    print(f"search: weighted F1 {best.value!r}\nrerun:  weighted F1 {again!r}\n{verdict}")
    return 0
