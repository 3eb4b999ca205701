"""``crossspace calibrate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crossspace.cli.parsing import Parser, anywhere, local

_ABOUT = """Make a model as sure of what it says as it is right: a temperature, fitted to the labels of the validation
split, divides its logits. No answer changes. Below a confidence that is chosen on the same labels it is unsure, so
that at least --right of what it says with more is right. The calibrated copy goes into the folder --out."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace calibrate", description=_ABOUT, imports=True)
    parser.add_argument("model", type=anywhere, help="run folder (its best seed), or folder of a seed")
    parser.add_argument("corpus", type=anywhere, help="corpus file (.parquet) with labels")
    parser.add_argument("--out", type=local, required=True, help="new folder for the calibrated model")
    parser.add_argument("--split", default="validation", help="whose labels are read: validation (default) or test")
    parser.add_argument("--right", type=float, default=0.8, help="part that is right of what is said (default 0.8)")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """Calibrate."""
    options = parsers()[""].parse_all(words)

    from crossspace.cli.terminal_tables import print_notes, print_table
    from crossspace.data.corpus import Corpus
    from crossspace.experiment.calibrate import calibrate

    corpus = Corpus.read(options.corpus)
    found = calibrate(options.model, corpus, Path(options.out), split=options.split, right=options.right)
    rows = [
        ("temperature", f"{found.temperature:.3f}"),
        ("expected calibration error before, percent", f"{100 * found.error_before:.2f}"),
        ("after", f"{100 * found.error:.2f}"),
        ("unsure below, percent", f"{100 * found.unsure_below:.0f}"),
        ("left open, percent", f"{100 * found.left_open:.1f}"),
    ]
    print_table(f"{found.split}, {found.utterances:,} utterances", ("", ""), rows)
    notes = []
    if found.unsure_below == 1:
        notes.append(f"Note: no confidence is enough for {100 * found.right:.0f} % right answers: all is left open.")
    if found.split == "test":
        notes.append("Note: scores of calibration on the test split are too good from now on.")
    print_notes(notes)
    print(f"Model: {options.out}")
    return 0
