"""A table that is written in four ways: Markdown and HTML to read, LaTeX for a paper, CSV to go on with."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from crossspace.evaluation.captions import plain
from crossspace.evaluation.rendering import cell

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--", "−": "$-$", "γ": r"$\gamma$",
    "<": "$<$", ">": "$>$", "|": "$|$",
}  # fmt: skip


@dataclass(frozen=True)
class ReportTable:
    """Rows to read, and the numbers behind them.

    Attributes:
        name: of its files.
        title: a heading of a few words.
        caption: what the numbers are and what they rest on.
        columns: headings of what is read.
        rows: what is read, a line of texts each; the first is the name of the line.
        values: ``{column: value}`` of every line, as fractions and plain numbers, for the CSV file.
        groups: what stands above each of the columns, nothing or the same over several that belong together.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    values: Sequence[Mapping[str, Any]] = field(default=())
    groups: Sequence[str] = field(default=())

    def spans(self) -> list[tuple[str, int]]:
        """What stands above the columns, with the number of columns under it; nothing where no group is named."""
        return [(name, len(list(members))) for name, members in groupby(self.groups)]

    def markdown(self) -> str:
        """A pipe table."""
        # Markdown has one line of headings.
        above = self.groups or [""] * len(self.columns)
        headings = [f"{group} {column}".strip() for group, column in zip(above, self.columns, strict=True)]
        lines = [
            "| " + " | ".join(cell(c) for c in headings) + " |",
            "|---" + "|---:" * (len(self.columns) - 1) + "|",
        ]
        return "\n".join(lines + ["| " + " | ".join(cell(c) for c in row) + " |" for row in self.rows]) + "\n"

    def latex(self) -> str:
        """A ``table`` environment with the rules of the package booktabs."""
        lines = [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{_latex(self.title)}. {_latex(self.caption)}}}",
            rf"\label{{tab:{self.name}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(self.columns) - 1)}}}",
            r"\toprule",
            *self._latex_groups(),
            " & ".join(map(_latex, self.columns)) + r" \\",
            r"\midrule",
            *(" & ".join(map(_latex, row)) + r" \\" for row in self.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def _latex_groups(self) -> list[str]:
        """A line of headings over several columns each, and the rules under them."""
        if not self.groups:
            return []
        headings, rules, first = [], [], 1
        for name, count in self.spans():
            headings.append(rf"\multicolumn{{{count}}}{{c}}{{{_latex(name)}}}" if name else " & " * (count - 1))
            if name:
                rules.append(rf"\cmidrule(lr){{{first}-{first + count - 1}}}")
            first += count
        return [" & ".join(headings) + r" \\", "".join(rules)]

    def csv(self) -> str:
        """The values, with a line of column names."""
        stream = io.StringIO()
        names = list(dict.fromkeys(name for line in self.values for name in line))
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows([{k: "" if v is None else v for k, v in line.items()} for line in self.values])
        return stream.getvalue()


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in plain(text))
