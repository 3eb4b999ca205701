"""Numbers as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

_NAMES = {"accuracy": "accuracy", "weighted_f1": "weighted F1", "macro_f1": "macro F1", "uar": "UAR"}


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: bool = True) -> None:
    """Print a table; where it holds ``numbers``, every column but the first is right-aligned."""
    table = Table(header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index and numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        # In a pipe rich would fold a table to 80 columns.
        console = Console(width=140)
    console.print(title, style="italic", highlight=False)
    console.print(table)


def print_results(results: Mapping[str, Any]) -> None:
    """The overall scores of a run, with protocol, seeds and spread."""
    seeds, best = results["seeds"], results.get("ceiling") or {}
    warning = " (test split chose the epoch)" if results["protocol"] == "best-on-test" else ""
    rows = []
    for name, metric in results["metrics"].items():
        # There is none where fewer than two conversations were tested.
        interval = metric.get("interval")
        rows.append(
            (
                _NAMES.get(name, name),
                f"{100 * metric['mean']:.2f}",
                "-" if metric.get("std") is None else f"{100 * metric['std']:.2f}",
                "-" if not interval else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}",
                *([f"{100 * best[name]:.2f}" if name in best else ""] if best else []),
            )
        )
    trained = f"{len(seeds)} seed{'s' * (len(seeds) != 1)}"
    title = f"{results['split']}, protocol {results['protocol']}{warning}, {trained}, percent"
    print_table(title, ("", "mean", "sd over seeds", "95 % interval", *(["best possible"] if best else [])), rows)


def print_notes(notes: Iterable[object]) -> None:
    """Remarks and other sentences below a table, each a paragraph of its own."""
    console = Console(highlight=False)
    for note in notes:
        console.print(str(note), markup=False, soft_wrap=not console.is_terminal)
