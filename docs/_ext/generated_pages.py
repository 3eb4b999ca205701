"""Pages that are written while the documentation is built: one per component, and the recipes with their sizes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from catalogue import Component, Docstring, arguments, components, methods

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ROLE = re.compile(r":\w+(?::\w+)*:`(~?)([^`<]*)`")
_TASKS: dict[str, dict[str, Any]] = {
    "iemocap": {
        "labels": ("happy", "sad", "neutral", "angry", "excited", "frustrated"),
        "widths": {"text": 1024, "audio": 1582, "visual": 342},
        "speakers": ("M", "F"),
    },
    "meld": {
        "labels": ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"),
        "widths": {"text": 1024, "audio": 300, "visual": 342},
        "speakers": 9,
    },
}


def markdown(text: str) -> str:
    """A docstring's inline marks as Markdown: roles lose their names, code stays code."""
    text = _ROLE.sub(lambda m: f"`{m[2].rpartition('.')[2] if m[1] else m[2].lstrip('.')}`", text)
    return text.replace("``", "`")


def cell(text: str) -> str:
    """Text that can stand in a table."""
    return markdown(" ".join(text.split())).replace("|", r"\|")


def code(text: str) -> str:
    """Text as code that can stand in a table."""
    return f"`{text}`".replace("|", r"\|") if text else ""


def write_pages(docs: Path) -> None:
    """Write ``components/*.md`` and ``recipes.md`` below ``docs``; pages that nobody asks for any more go."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent.parent / "_templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(cell=cell, code=code, markdown=markdown)
    found = components()
    pages = {docs / "components" / f"{c.page}.md": _component(environment, c) for c in found}
    kinds = list(dict.fromkeys(c.kind for c in found))
    grouped = {kind: [c for c in found if c.kind == kind] for kind in kinds}
    pages[docs / "components" / "index.md"] = environment.get_template("components.md.jinja").render(
        kinds={kind: [(c, Docstring.of(c.thing).summary) for c in members] for kind, members in grouped.items()}
    )
    pages[docs / "recipes.md"] = environment.get_template("recipes.md.jinja").render(**_recipes())
    for stale in set((docs / "components").glob("*.md")) - set(pages):
        stale.unlink()
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _component(environment: jinja2.Environment, component: Component) -> str:
    docstring = Docstring.of(component.thing)
    described = {argument.name for argument in arguments(component)}
    sections = {
        heading: [(name, text) for name, text in entries if name not in described]
        for heading, entries in docstring.sections.items()
    }
    return environment.get_template("component.md.jinja").render(
        component=component,
        docstring=docstring,
        citation=getattr(component.thing, "citation", None),
        arguments=arguments(component),
        sections={heading: entries for heading, entries in sections.items() if entries},
        methods=list(methods(component.thing)),
    )


def _recipes() -> dict[str, Any]:
    from crossspace.recipes import recipe_names, recipe_path, recipe_summary

    recipes = []
    for name in recipe_names():
        text = recipe_path(name).read_text(encoding="utf-8")
        body = "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()
        notes = [line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")][1:]
        assert isinstance(yaml.safe_load(body), dict), f"recipe {name} should be a mapping"
        recipes.append({"name": name, "about": recipe_summary(name), "notes": " ".join(notes), "body": body})
    return {"recipes": recipes, "sizes": {corpus: _sizes(corpus) for corpus in _TASKS}}


def _sizes(corpus: str) -> dict[str, Any]:
    """Parameters part by part of the paper's and the released variant, counted on models without storage."""
    import torch

    from crossspace import TaskSpec
    from crossspace.configuration import read_configuration

    columns: dict[str, dict[str, int]] = {}
    for variant in ("paper", "released"):
        with torch.device("meta"):
            model = read_configuration(f"css-{corpus}-{variant}").build_model(TaskSpec(**_TASKS[corpus]))
        groups = {part: sum(p.numel() for p in members) for part, members in model.parameter_groups().items()}
        assert sum(groups.values()) == sum(p.numel() for p in model.parameters())
        columns[variant] = groups
    parts = list(columns["released"])
    parts += [part for part in columns["paper"] if part not in parts]
    rows = [(part, *(columns[variant].get(part, 0) for variant in columns)) for part in parts]
    return {"rows": rows, "totals": [sum(column.values()) for column in columns.values()]}


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    app.connect("config-inited", lambda app, config: write_pages(Path(app.srcdir)))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
