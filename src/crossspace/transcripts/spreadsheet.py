"""Cells that a spreadsheet would run: what somebody said is never to be a formula on the machine of who reads it."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guarded(value: object) -> object:
    """A cell with an apostrophe in front where it begins as a formula does."""
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def unguarded(cell: str) -> str:
    """The cell without that apostrophe."""
    return cell[1:] if cell[:1] == "'" and cell.startswith(_FORMULA, 1) else cell
