"""``crossspace report``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser, local
from crossspace.errors import UsageError


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace report", description="Write report.html, report.md and figures of a finished run.")
    parser.add_argument("run", type=local, help="run folder")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Write the report of a finished run again."""
    options = parsers()[""].parse_all(words)
    # The folder of a study is easily taken for one of its runs.
    if (Path(options.run) / "study.yaml").exists() and not (Path(options.run) / "results.json").exists():
        raise UsageError(
            f"{options.run} is the folder of a study. Its report: crossspace study report {shlex.quote(options.run)}"
        )

    from crossspace.evaluation.report import write_report

    print(f"Report: {write_report(options.run)}")
    return 0
