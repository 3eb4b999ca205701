"""Formulas as inline SVG, drawn by matplotlib while the pages are built: readers need no network and no script."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Outline:
    """A drawn formula, in the units of its size; y points upwards from the line of writing.

    Attributes:
        path: the ``d`` of an SVG path.
        width, height, depth: of the whole; ``depth`` is the part below the line of writing.
    """

    path: str
    width: float
    height: float
    depth: float


def outline(formula: str) -> Outline:
    """The shape of a formula."""
    text = f"${formula.strip()}$"
    width, height, depth = text_to_path.get_text_width_height_descent(text, _FONT, ismath=True)
    pieces = []
    for points, code in TextPath((0, 0), text, prop=_FONT).iter_segments(simplify=False, curves=True):
        numbers = " ".join(f"{x:.2f}" for x in points) if code != Path.CLOSEPOLY else ""
        pieces.append(_LETTERS[code] + numbers)
    return Outline("".join(pieces), width, height, depth)


def svg(formula: str) -> tuple[str, float]:
    """A formula as SVG, and its depth below the line of writing in em."""
    shape = outline(formula)
    top = shape.height - shape.depth
    drawing = (
        f'<svg class="math" role="img" aria-label="{escape(formula.strip(), quote=True)}" '
        f'style="width:{shape.width / _SIZE:.3f}em;height:{shape.height / _SIZE:.3f}em;'
        f'vertical-align:{-shape.depth / _SIZE:.3f}em" '
        f'viewBox="0 {-top:.2f} {shape.width:.2f} {shape.height:.2f}" overflow="visible">'
        f'<path transform="scale(1,-1)" fill="currentColor" d="{shape.path}"/></svg>'
    )
    return drawing, shape.depth / _SIZE


def inside(formula: str, x: float, y: float, size: float = _SIZE) -> str:
    """A formula as a part of another drawing, its middle at ``(x, y)``."""
    shape, scale = outline(formula), size / _SIZE
    left, base = x - shape.width * scale / 2, y + (shape.height / 2 - shape.depth) * scale
    return (
        f'<path class="formula" transform="translate({left:.1f} {base:.1f}) scale({scale:.3f} {-scale:.3f})" '
        f'd="{shape.path}"/>'
    )


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
