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

from crossspace.analysis.analysis import Analysis

MODULES = (
    "dom", "format", "palette", "people", "scale", "arc", "lanes", "list", "why", "filters", "exports", "timeline",
)  # fmt: skip
"""Scripts of the component, each after those that it imports."""

_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=class|function|const)", re.MULTILINE)

_START = """
const analysis = JSON.parse(document.getElementById("analysis").textContent);
new Timeline(document.getElementById("timeline")).show(analysis);
"""

_HEAD = """
.report { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
.report h1 { font-size: 1.7rem; overflow-wrap: anywhere; }
.report header { margin-bottom: 1rem; }
.report header p { margin: 0.2rem 0 0; color: var(--muted); max-width: 60rem; }
"""

CAUTION = (
    "A label says how people who annotate such conversations would probably name an utterance. It does not measure what "
    "a person feels, and nothing about a person should be decided by it."
)
"""What every reader of an analysis is told."""


def component() -> tuple[str, str]:
    """Script and style sheet of the timeline, each as one text."""
    folder = files("crossspace.analysis") / "timeline"
    scripts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    script = "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in scripts)
    return script, (folder / "timeline.css").read_text(encoding="utf-8")


def to_html(analysis: Analysis) -> str:
    """A self-contained page: lanes, arcs, utterances, the why of each, and export to other formats."""
    script, style = component()
    script, style = script + _START, style + _HEAD
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; script-src {_hash(script)}; style-src {_hash(style)}"
    )
    title = escape(f"{analysis.conversation_id}: emotions")
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n"
        '<body>\n<main class="report">\n'
        f"<header><h1>{escape(analysis.conversation_id)}</h1>\n<p>{escape(_origin(analysis))}</p>\n<p>{CAUTION}</p></header>\n"
        '<div id="timeline"><noscript><p>This timeline is drawn by JavaScript, which is switched off here.</p></noscript></div>\n'
        f'</main>\n<script type="application/json" id="analysis">{_embedded(analysis)}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def _embedded(analysis: Analysis) -> str:
    """JSON in which no character can end or open an element."""
    text = json.dumps(analysis.to_dict(), ensure_ascii=False, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _origin(analysis: Analysis) -> str:
    model = analysis.model
    senses = ", ".join(model.get("modalities", ()))
    shipped = ", shipped with crossspace" if model.get("in_the_box") else ""
    sight = " It knows only what was said before." if model.get("causal") else ""
    return f"Labelled by {model.get('name', 'a model')}{shipped}, from {senses or 'what it was given'}.{sight}"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
