"""``crossspace report``."""

from __future__ import annotations

from collections.abc import Sequence

from crossspace.cli.parsing import Parser


def run(words: Sequence[str]) -> int:
    """Write the report of a finished run again."""
    parser = Parser(prog="crossspace report", description="Write report.html, report.md and figures of a finished run.")
    parser.add_argument("run", help="run folder")
    given = parser.parse_all(words)

    from crossspace.evaluation.report import write_report

    print(f"Report: {write_report(given.run)}")
    return 0
