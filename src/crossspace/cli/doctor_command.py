"""``crossspace doctor``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from crossspace.cli.parsing import Parser

_ABOUT = """Say what this installation has and what it lacks: versions, processor and devices, extras and what each is
for, environment variables that matter, caches and disks. Nothing is changed, and nobody is asked over a network. It is
made to be pasted into a report of a fault.

The exit code is 0 unless something that is installed is broken, or a library lacks that the package itself asks for. An
extra that is not there is no fault, and neither is PyTorch where exported models alone are used."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace doctor", description=_ABOUT)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--quick", action="store_true", help="look at versions only; without, every library is imported to see it work"
    )
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Print what was found."""
    options = parsers()[""].parse_all(words)

    from crossspace.doctor.examination import Examination
    from crossspace.doctor.report import report

    if sys.stderr.isatty() and not options.quick:
        print("Importing every library to see it work; --quick looks at versions only.", file=sys.stderr)
    found = Examination(importing=not options.quick)
    text = json.dumps(found.as_dict(), indent=2) if options.json else report(found)
    # A terminal that cannot show a name shall still show the rest.
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
    return 1 if found.problems else 0
