"""``--shard`` of a command, and what is said of the parts it made."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Mapping

from crossspace.cli.parsing import Parser
from crossspace.engine.parts import Outcome
from crossspace.engine.shard import Shard
from crossspace.errors import UsageError


def add_shard(parser: Parser) -> None:
    """Add ``--shard``."""
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="do the I-th of N shares, in parts beside the target: for N commands that any scheduler begins",
    )


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error


def tell_shard(shard: Shard, outcomes: Iterable[Outcome], target: str) -> int:
    """Say what came of a shard; returns the exit code of the command."""
    done, failures = 0, dict[str, str]()
    for outcome in outcomes:
        done += len(outcome.parts)
        failures |= outcome.failures
    print(f"Shard {shard}: {done} parts. Once all shards have ended: crossspace merge {shlex.quote(target)}")
    tell_failures(failures)
    return 1 if failures else 0


def tell_failures(failures: Mapping[str, str]) -> None:
    """Say what could not be done."""
    if failures:
        lines = "".join(f"\n  {name}: {reason}" for name, reason in failures.items())
        print(f"crossspace: {len(failures)} could not be done and are left out:{lines}", file=sys.stderr)
