"""One look for every figure: colours, type, and the way from a matplotlib figure to SVG.

Text stays text in the SVG, so that it can be searched, read aloud and shown in any script by the fonts of the reader.
Colours are fixed in the files under ``figures/``; inside a page they are CSS variables and follow its light or dark
theme.
"""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, RULE, PAPER, CARD, HEAT = "#1b1f27", "#636b7a", "#d5dae2", "#fefefe", "#fdfdfd", "#134f8c"
"""Text and marks, secondary text, grid lines, background, what hides a line behind a mark, the one hue of cells."""

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#b0578d", "#c98500", "#3d9ad1"
"""Line colours after Okabe and Ito (2008), told apart by readers with colour blindness; darkened where thin."""

THEMED = {
    INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "figure", CARD: "card", HEAT: "heat", BLUE: "blue",
    VERMILLION: "vermillion", GREEN: "green", PURPLE: "purple", ORANGE: "orange", SKY: "sky",
}  # fmt: skip
"""Colours that a page may set for itself: ``{colour: CSS variable}``."""

FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'DejaVu Sans',sans-serif"

LARGEST = 1.9
"""Pixels on a page for a point of a figure, at most."""

_SMALL, _LETTER = 7, 0.58
"""Points of a footnote, and the width of a letter as a share of them."""

COLUMN, ROW = 4.0, 7.6
"""Widths in inches: of a figure that stands beside others, and of one that takes the whole line."""

_SHEET: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 8.5,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "text.parse_math": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "path.simplify": False,
}

_P = ParamSpec("_P")


def drawn(function: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Let a function that makes a figure work under the common style."""

    @wraps(function)
    def under_the_style(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with rc_context(_SHEET):
            return function(*args, **kwargs)

    return under_the_style


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of the given size in inches with one pair of axes that fill it."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def footnote(figure: Figure, text: str, warning: bool = False) -> None:
    """Small lines under a figure: what it rests on, in the colour of a warning where that is little."""
    letters = int(72 * figure.get_figwidth() / (_LETTER * _SMALL))
    figure.supxlabel(
        textwrap.fill(text, letters), x=0.01, ha="left", size=_SMALL, color=VERMILLION if warning else MUTED
    )


def svg(figure: Figure, name: str) -> str:
    """The figure as an SVG document; ids begin with ``name``, and the same figure gives the same bytes."""
    stream = io.StringIO()
    with rc_context({**_SHEET, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's fonts draw it, not matplotlib's
        # Placed once: left to itself, a constrained layout is worked out for the size and again for the drawing.
        engine = figure.get_layout_engine()
        if engine is not None:
            figure.set_dpi(72)  # of SVG
            engine.execute(figure)
            figure.set_layout_engine("none")
        figure.savefig(stream, format="svg", facecolor=figure.get_facecolor(), metadata={"Date": None})
    text = re.sub(r"<metadata>.*?</metadata>", "", stream.getvalue(), flags=re.DOTALL)
    text = re.sub(r"<!DOCTYPE[^>]*>\s*", "", text)
    text = _in_tags(r'\sid="|url\(#|href="#', lambda match: f"{match[0]}{name}-", text)
    return _in_tags("'DejaVu Sans'", lambda _: FONTS, text)


def inline(document: str) -> str:
    """The ``<svg>`` element of a document for use inside a page: as wide as its place allows, up to about twice its
    size, and with colours that follow the page's theme."""
    opening, rest = document[document.index("<svg") :].split(">", 1)
    size = re.search(r'viewBox="0 0 (\S+) (\S+)"', opening)
    assert size is not None
    opening = f'<svg viewBox="{size[0][9:-1]}" style="max-width:{LARGEST * float(size[1]):.0f}px" role="presentation"'
    text = f"{opening}>{_in_tags('xlink:href', lambda _: 'href', rest)}"
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    return _in_tags("|".join(THEMED), lambda colour: f"var(--{THEMED[colour[0]]},{colour[0]})", text)


def _in_tags(pattern: str, new: Callable[[re.Match[str]], str], text: str) -> str:
    """Replace in tags only: what somebody said is left as it is."""
    return re.sub("<[^>]*>", lambda tag: re.sub(pattern, new, tag[0]), text)
