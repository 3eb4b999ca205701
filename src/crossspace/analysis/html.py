"""An analysis as one HTML file that works anywhere: opened from a folder, without network, and on paper.

The file holds the same component that the page of the server shows. Its content security policy lets run and load
nothing but what is in it, so that no word of a transcript can ever become code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from crossspace.analysis.analysis import Analysis

MODULES = (
    "dom", "card", "format", "people", "palette", "scale", "arc", "strip", "who", "legend", "lanes", "list", "correct",
    "why", "filters", "menu", "exports", "glance", "edits", "timeline", "report",
)  # fmt: skip
"""Scripts of the file, each after those that it imports."""

STYLES = ("timeline", "report")

CAUTION = (
    "A label says how people who annotate such conversations would probably name an utterance. It does not measure "
    "what a person feels, and nothing about a person should be decided by it."
)
"""What every reader of an analysis is told."""

_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=class|function|const)", re.MULTILINE)


def to_html(analysis: Analysis) -> str:
    """A self-contained page: lanes, arcs, utterances, the why of each, and export to other formats."""
    # In one script, imports and exports have no meaning; a policy that names hashes allows no second file.
    script = "\n".join(_EXPORT.sub("", _IMPORT.sub("", _file(f"{name}.js"))) for name in MODULES)
    style = "\n".join(_file(f"{name}.css") for name in STYLES)
    return Template(_file("report.html")).substitute(
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; script-src {_hash(script)}; "
        f"style-src {_hash(style)}",
        name=escape(analysis.conversation_id),
        origin=escape(origin(analysis)),
        caution=CAUTION,
        style=style,
        script=script,
        analysis=_embedded(analysis.to_dict()),
        card=_embedded(_card() if analysis.model.get("in_the_box") else None),
    )


def _file(name: str) -> str:
    return (files("crossspace.analysis") / "timeline" / name).read_text(encoding="utf-8")


def _card() -> str:
    """Of the model in the box; no other is sure to be there when an analysis is written."""
    return (files("crossspace.pretrained") / "README.md").read_text(encoding="utf-8")


def _embedded(content: Any) -> str:
    """JSON in which no character can end or open an element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    # Escaped as JSON and not as HTML: the element is read by a parser of JSON.
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def origin(analysis: Analysis) -> str:
    """Which model labelled it, from what."""
    model = analysis.model
    senses = ", ".join(model.get("modalities", ()))
    shipped = ", shipped with crossspace" if model.get("in_the_box") else ""
    sight = " It knows only what was said before." if model.get("causal") else ""
    return f"Labelled by {model.get('name', 'a model')}{shipped}, from {senses or 'what it was given'}.{sight}"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
