"""From values to pages: the templates, how numbers are written in them, and what protocols mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from crossspace.evaluation.captions import plain

PROTOCOL_CAPTIONS = {
    "validation": "The epoch was chosen on conversations held out from training; the test split is read once, "
    "at the end.",
    "best-on-test": "The epoch was chosen by the score on the very split that is reported here, so these numbers are "
    "optimistic. Compare them only with published figures obtained in the same way, never with runs under the "
    "protocol “validation”.",
}


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill in a template of ``templates/``; what a template asks for and does not get is an error."""
    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(("html.jinja",)),
        # A name that is missing would print nothing, and a report without its warning is worse than none.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters.update(percent=percent, points=points, cell=cell, duration=duration, plain=plain)
    return jinja.get_template(template).render(context)


def percent(value: float | None) -> str:
    """A fraction in percent with two decimals."""
    return "–" if value is None else f"{100 * value:.2f}"


def points(interval: Sequence[float] | None) -> str:
    """An interval of fractions in percent."""
    return "–" if interval is None else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}"


def cell(text: Any) -> str:
    """``text`` where Markdown would otherwise read it as markup."""
    # Markdown lets HTML through, so the signs of HTML are escaped as well.
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|#" else c for c in plain(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def duration(seconds: float) -> str:
    """Seconds as a reader says them."""
    rounded = round(seconds)
    hours, minutes = rounded // 3600, rounded // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rounded % 60:02d} s" if minutes else f"{seconds:.1f} s"
