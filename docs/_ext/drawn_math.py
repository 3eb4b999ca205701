"""Formulas as inline SVG, drawn by matplotlib while the pages are built: readers need no network and no script."""

from __future__ import annotations

from html import escape

from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath, text_to_path
from sphinx.application import Sphinx

_SIZE = 12.0
_FONT = FontProperties(size=_SIZE, math_fontfamily="cm")
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
_LINE_GAP = 7.0


def svg(formula: str) -> tuple[str, float]:
    """A formula as SVG, and its depth below the line of writing in em."""
    text = f"${formula.strip()}$"
    width, height, depth = text_to_path.get_text_width_height_descent(text, _FONT, ismath=True)
    pieces = []
    for points, code in TextPath((0, 0), text, prop=_FONT).iter_segments(simplify=False, curves=True):
        numbers = " ".join(f"{x:.2f}" for x in points) if code != Path.CLOSEPOLY else ""
        pieces.append(_LETTERS[code] + numbers)
    drawing = (
        f'<svg class="math" role="img" aria-label="{escape(formula.strip(), quote=True)}" '
        f'style="width:{width / _SIZE:.3f}em;height:{height / _SIZE:.3f}em;vertical-align:{-depth / _SIZE:.3f}em" '
        f'viewBox="0 {-(height - depth):.2f} {width:.2f} {height:.2f}" overflow="visible">'
        f'<path transform="scale(1,-1)" fill="currentColor" d="{"".join(pieces)}"/></svg>'
    )
    return drawing, depth / _SIZE


def visit_inline(translator: nodes.NodeVisitor, node: nodes.math) -> None:
    """An inline formula."""
    translator.body.append(svg(node.astext())[0])
    raise nodes.SkipNode


def visit_block(translator: nodes.NodeVisitor, node: nodes.math_block) -> None:
    r"""A displayed formula; ``\\`` separates lines."""
    lines = [line for line in node.astext().split(r"\\") if line.strip()]
    drawn = "".join(f'<div style="margin:{_LINE_GAP}px 0">{svg(line)[0]}</div>' for line in lines)
    translator.body.append(f'<div class="math" style="margin:1em 1.5em;overflow-x:auto">{drawn}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("drawn", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
