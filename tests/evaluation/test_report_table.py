"""Tables: what is written can be read again, whatever characters it holds."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from crossspace.evaluation.report_table import ReportTable

NASTY = ("a % b", "under_score", "R&D", "p|q", "50.1 ± 0.2", "−1.5", "{x}", "#1", "~^\\$", "< 0.001", "γ, “q”", "[z]*`")


@pytest.fixture
def table() -> ReportTable:
    return ReportTable(
        "nasty",
        "Nasty & new_title",
        "In 100 %: ± of α_1",
        ["variant", "F1 (%) | R&D"],
        [[text, text] for text in NASTY],
        [{"variant": text, "f1": 0.1 * i, "low": None, "exact": True} for i, text in enumerate(NASTY)],
    )


def test_markdown_has_one_line_per_row_and_gives_every_text_back(table: ReportTable) -> None:
    lines = table.markdown().splitlines()
    assert len(lines) == 2 + len(NASTY) and lines[1] == "|---|---:|"
    for line, text in zip(lines[2:], NASTY, strict=True):
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        assert [html.unescape(re.sub(r"\\(.)", r"\1", c.strip())) for c in cells] == [text, text]


_COMMANDS = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"$\pm$": "±", r"$\gamma$": "γ",
    "$-$": "−", "$<$": "<", "$>$": ">", "$|$": "|", "--": "–",
}  # fmt: skip


def read_latex(text: str) -> str:
    """What LaTeX prints for a text of a table."""
    pattern = "|".join(re.escape(command) for command in _COMMANDS) + r"|\\[&%$#_{}]"
    return re.sub(pattern, lambda found: _COMMANDS.get(found[0], found[0][1:]), text)


def test_latex_has_one_line_per_row_and_gives_every_text_back(table: ReportTable) -> None:
    lines = table.latex().splitlines()
    rows = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    assert len(rows) == len(NASTY)
    for row, text in zip(rows, NASTY, strict=True):
        cells = re.split(r"(?<!\\)&", row.removesuffix(r"\\"))
        assert [read_latex(c.strip()) for c in cells] == [text, text]


def test_latex_leaves_no_character_that_means_something_else_there(table: ReportTable) -> None:
    body = "\n".join(table.latex().splitlines()[1:])
    assert not re.search(r"(?<!\\)[%#]|(?<!\$)[<>|](?!\$)", body.replace(r"\textbackslash{}", ""))
    assert "\\caption{Nasty \\& new\\_title. In 100 \\%: $\\pm$" in body and "\\begin{tabular}{lr}" in body


def test_csv_gives_numbers_and_texts_back(table: ReportTable) -> None:
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert [row["variant"] for row in rows] == list(NASTY)
    assert [float(row["f1"]) for row in rows] == [0.1 * i for i in range(len(NASTY))]
    assert {row["low"] for row in rows} == {""}


def test_csv_has_a_column_for_every_value_that_any_line_has() -> None:
    table = ReportTable("t", "T", "c", ["a"], [["x"]], [{"variant": "x", "f1": 0.5}, {"variant": "y", "cost": 2}])
    assert table.csv() == "variant,f1,cost\nx,0.5,\ny,,2\n"


def test_line_breaks_do_not_break_rows() -> None:
    table = ReportTable("t", "T", "one\n\ntwo", ["a", "b"], [["x\ny", "1"]], [])
    assert len(table.markdown().splitlines()) == 3
    assert "x y & 1 \\\\" in table.latex() and "one two" in table.latex()
    assert table.csv() == "\n"


def test_headings_may_stand_over_several_columns() -> None:
    columns = ["model", "P", "F1", "P", "F1", "all"]
    table = ReportTable("t", "T", "c", columns, [["x", *"12345"]], [], groups=["", "sad", "sad", "a_b", "a_b", ""])
    assert table.markdown().splitlines()[0] == "| model | sad P | sad F1 | a\\_b P | a\\_b F1 | all |"
    lines = table.latex().splitlines()
    place = lines.index(r"\toprule") + 1
    assert lines[place] == r" & \multicolumn{2}{c}{sad} & \multicolumn{2}{c}{a\_b} &  \\"
    assert lines[place + 1] == r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}"
    assert table.spans() == [("", 1), ("sad", 2), ("a_b", 2), ("", 1)]
