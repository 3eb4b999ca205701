"""The example of the home page: an analysis that the software made, written as the page that it exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.html import to_html

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TRANSCRIPT = Path(__file__).parent.parent / "_example" / "kitchen.vtt"


def example() -> Analysis:
    """What ``crossspace analyze`` said of :data:`TRANSCRIPT`, as it lies beside it."""
    return Analysis.from_dict(json.loads(TRANSCRIPT.with_suffix(".json").read_text(encoding="utf-8")))


def setup(app: Sphinx) -> dict[str, bool]:
    """Write ``example.html`` beside the home page."""
    app.connect(
        "build-finished",
        lambda app, error: (Path(app.outdir) / "example.html").write_text(to_html(example()), encoding="utf-8"),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
