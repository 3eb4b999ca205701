"""``crossspace report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser
from crossspace.errors import UsageError


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace report", description="Write report.html, report.md and figures of a finished run.")
    parser.add_argument("run", help="run folder")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Write the report of a finished run again."""
    given = parsers()[""].parse_all(words)
    if (Path(given.run) / "study.yaml").exists() and not (Path(given.run) / "results.json").exists():
        raise UsageError(f"{given.run} is the folder of a study. Its report: 'crossspace study report {given.run}'.")

    from crossspace.evaluation.report import write_report

    print(f"Report: {write_report(given.run)}")
    return 0
