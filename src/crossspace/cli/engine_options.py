"""``--engine``: where the work of a command is done."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser
from crossspace.errors import UsageError

if TYPE_CHECKING:
    from crossspace.engine.workers import Engine

ENGINES = ("local", "ray")


def add_engine(parser: Parser) -> None:
    """The options that choose an engine."""
    group = parser.add_argument_group("where the work is done")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help="processes of this machine, or actors of a Ray cluster (extra 'ray'); the results are the same",
    )
    group.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="with --engine ray: of a running cluster that this machine belongs to (default: RAY_ADDRESS, or one that "
        "is begun on this machine and ends with the command)",
    )
    group.add_argument(
        "--gpus-per-worker",
        type=float,
        metavar="X",
        help="with --engine ray: GPUs that each worker has for itself, 0.5 for half of one (default 0: it sees none)",
    )


def engine_of(options: argparse.Namespace) -> Engine:
    """The engine that was chosen.

    Raises:
        UsageError: options do not go together, or there is no such number of GPUs.
    """
    from crossspace.engine.engines import Local, Ray

    given = {"--address": options.address, "--gpus-per-worker": options.gpus_per_worker}
    if options.engine == "local":
        if unused := [name for name, value in given.items() if value is not None]:
            raise UsageError(
                f"{' and '.join(unused)} should stand with --engine ray. Found --engine local; change either."
            )
        return Local()
    gpus = options.gpus_per_worker or 0.0
    _check_gpus(gpus, getattr(options, "device", "auto"))
    return Ray(options.address, gpus)


def _check_gpus(gpus: float, device: str) -> None:
    if not 0 <= gpus < float("inf") or (gpus > 1 and gpus != int(gpus)):
        raise UsageError(f"`--gpus-per-worker` should be a part of one GPU, or a whole number of them. Found {gpus:g}.")
    if device == "cuda" and not gpus:
        raise UsageError(
            "--device cuda should stand with --gpus-per-worker where the engine is Ray: a worker sees only the GPUs "
            "that it asks for. Found none asked for; add --gpus-per-worker 1, or 0.5 for two workers to a GPU."
        )
    if device == "cpu" and gpus:
        raise UsageError("--gpus-per-worker keeps GPUs busy that --device cpu leaves idle. Leave out either.")
