"""Pages that the build writes: components, commands, the HTTP interface, recipes with their sizes, the card."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from catalogue import Component, Docstring, arguments, components, methods, part_options
from commands import commands, marked
from drawn_math import inside
from interface import interface

from crossspace.analysis.card import CARD, body_of
from crossspace.pretrained import FOLDER

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_HERE = Path(__file__).parent.parent
COMPANIONS = _HERE / "_components"
"""Texts that somebody wrote for the pages of components, and their pictures."""
_PLACE = "<!-- drawing -->"

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
    """Write all generated pages below ``docs``; pages that nobody asks for any more go."""
    environment = _environment()
    pages = {**_component_pages(environment), **_command_pages(environment)}
    pages["http.md"] = environment.get_template("http.md.jinja").render(**interface())
    pages["box.md"] = body_of((FOLDER / CARD).read_text(encoding="utf-8"))
    pages["recipes.md"] = environment.get_template("recipes.md.jinja").render(**_recipes())
    for folder in {Path(name).parent for name in pages} - {Path()}:
        for stale in (docs / folder).glob("*.md"):
            if stale.relative_to(docs).as_posix() not in pages:
                stale.unlink()
    for name, text in pages.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader((_HERE / "_templates", COMPANIONS)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(cell=cell, code=code, markdown=markdown, marked=marked)
    environment.globals.update(formula=inside)
    return environment


def _component_pages(environment: jinja2.Environment) -> dict[str, str]:
    found = components()
    pages = {f"components/{one.page}.md": _component(environment, one) for one in found}
    kinds = {kind: [one for one in found if one.kind == kind] for kind in dict.fromkeys(one.kind for one in found)}
    pages["components/index.md"] = environment.get_template("components.md.jinja").render(
        kinds={kind: [(one, Docstring.of(one.thing).summary) for one in members] for kind, members in kinds.items()}
    )
    return pages


def _component(environment: jinja2.Environment, component: Component) -> str:
    docstring = Docstring.of(component.thing)
    taken = arguments(component)
    described = {argument.name for argument in taken}
    sections = {
        heading: [(name, text) for name, text in entries if name not in described]
        for heading, entries in docstring.sections.items()
    }
    return environment.get_template("component.md.jinja").render(
        component=component,
        docstring=docstring,
        facts=_facts(component),
        companion=_companion(environment, component.page),
        arguments=taken,
        parts=part_options(component),
        sections={heading: entries for heading, entries in sections.items() if entries},
        methods=list(methods(component.thing)),
    )


def _facts(component: Component) -> dict[str, str]:
    """What a component states about itself beside its docstring."""
    thing = component.thing
    facts = {"Source": getattr(thing, "citation", ""), "Licence": getattr(thing, "licence", "")}
    if component.kind == "Extractors":
        value = f":{thing.argument.upper()}" if thing.argument else ""
        facts["Chosen by"] = f"`--{thing.modality} {thing.name}{value}`"
    return {name: text for name, text in facts.items() if isinstance(text, str) and text}


def _companion(environment: jinja2.Environment, page: str) -> str:
    """What somebody wrote by hand for this page, ``docs/_components/PAGE.md``, with its picture; empty without one."""
    path = COMPANIONS / f"{page}.md"
    if not path.exists():
        return ""
    text = path.read_text(encoding="utf-8").strip()
    if _PLACE not in text:
        return text
    drawn = environment.get_template(f"{page}.svg.jinja").render()
    # An empty line would end the drawing in Markdown.
    lines = [line for line in drawn.splitlines() if line.strip()]
    return text.replace(_PLACE, "\n".join(['<figure class="drawing">', *lines, "</figure>"]))


def _command_pages(environment: jinja2.Environment) -> dict[str, str]:
    found = commands()
    template = environment.get_template("command.md.jinja")
    pages = {
        f"commands/{name}.md": template.render(command=name, about=about, actions=actions)
        for name, (about, actions) in found.items()
    }
    pages["commands/index.md"] = environment.get_template("commands.md.jinja").render(commands=found)
    return pages


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
