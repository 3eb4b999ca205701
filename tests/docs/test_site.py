"""The pages hang together, and every component documents itself."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import catalogue
import commands
import example
import interface
import pytest

from crossspace.cli.parsing import Parser

generated_pages = pytest.importorskip("generated_pages")  # imports docutils, which comes with the extra `docs`
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COMPONENTS = [c for c in catalogue.components() if c.kind != "Python names"]

GENERATED = ("_build", "_components", "_example", "commands", "components", "box.md", "http.md", "recipes.md")
"""What is written by the build, or stands in what is."""

_TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated pages, and the written ones with their figures copied beside them."""
    folder = tmp_path_factory.mktemp("site")
    for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.svg")):
        place = path.relative_to(DOCS)
        if place.parts[0] not in GENERATED:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / place)
    generated_pages.write_pages(folder)
    return folder


def test_every_kind_of_component_is_found() -> None:
    from crossspace.balance import BALANCERS
    from crossspace.data import importers
    from crossspace.features.extractors import extractors
    from crossspace.features.speech.recognisers import RECOGNISERS
    from crossspace.features.speech.speaker_encoders import SPEAKER_ENCODERS
    from crossspace.models import MODELS

    found = {kind: {c.name for c in COMPONENTS if c.kind == kind} for kind in {c.kind for c in COMPONENTS}}
    assert found["Models"] == set(MODELS)
    assert found["Balancers"] == set(BALANCERS)
    assert found["Importers"] == set(importers.names())
    assert found["Extractors"] == {f"{modality} {name}" for modality, kinds in extractors().items() for name in kinds}
    assert found["Recognisers"] == set(RECOGNISERS) and found["Speaker encoders"] == set(SPEAKER_ENCODERS)
    assert found["Objectives"] >= {"fused", "unimodal", "distillation"}
    assert found["Layers and fusion"] >= {"SynergisticPolynomialFusion", "InteractionEncoder", "GRUEncoder"}
    assert len({c.page for c in COMPONENTS}) == len(COMPONENTS)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.page)
def test_docstring_names_every_argument(component: catalogue.Component) -> None:
    docstring = catalogue.Docstring.of(component.thing)
    assert docstring.summary.endswith("."), f"{component.path} should begin with one sentence"
    nothing = [argument.name for argument in catalogue.arguments(component) if not argument.about]
    assert not nothing, f"the docstring of {component.path} says nothing about {nothing}"
    strange = set(catalogue.documented(component.thing)) - set(inspect.signature(component.thing).parameters)
    stated = {name for name, _ in docstring.sections.get("Attributes", ())}
    assert not strange - stated, f"the docstring of {component.path} speaks of {strange}, which it does not take"


def test_every_component_has_a_page_with_its_arguments(site: Path) -> None:
    for component in catalogue.components():
        text = (site / "components" / f"{component.page}.md").read_text(encoding="utf-8")
        missing = [a.name for a in catalogue.arguments(component) if f"| `{a.name}` |" not in text]
        assert not missing, f"{component.page} lacks {missing}"


def test_page_of_an_extractor_says_how_to_choose_it_and_its_licence(site: Path) -> None:
    text = (site / "components" / "extractors-visual-onnx.md").read_text(encoding="utf-8")
    assert "`--visual onnx:MODEL`" in text
    assert "*Licence:* that of the network" in text


@pytest.mark.parametrize("path", sorted(generated_pages.COMPANIONS.glob("*.md")), ids=lambda path: path.stem)
def test_what_is_written_by_hand_for_a_component_stands_on_its_page(path: Path, site: Path) -> None:
    text = (site / "components" / path.name).read_text(encoding="utf-8")
    written = path.read_text(encoding="utf-8").strip()
    before, _, after = written.partition("<!-- drawing -->")
    assert before.strip() in text
    assert after.strip() in text
    assert "../concepts/" in written
    assert written.count("$$") >= 2


@pytest.mark.parametrize("name", ["models-css", "balancers-pgm"])
def test_drawing_is_whole_and_inside_its_frame(name: str, site: Path) -> None:
    text = (site / "components" / f"{name}.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert "\n\n" not in drawn, "an empty line ends the drawing in Markdown"
    root = ElementTree.fromstring(drawn)
    *_, width, height = map(float, root.attrib["viewBox"].split())
    boxes = [one.attrib for one in root.iter("rect")]
    assert len(boxes) > 10
    assert all(float(b["x"]) >= 0 and float(b["x"]) + float(b["width"]) <= width for b in boxes)
    assert all(float(b["y"]) >= 0 and float(b["y"]) + float(b["height"]) <= height for b in boxes)
    assert root.attrib["aria-label"]


def test_component_without_anything_by_hand_has_a_page_without_drawing(site: Path) -> None:
    assert "<svg" not in (site / "components" / "models-bc-lstm.md").read_text(encoding="utf-8")


def test_every_command_has_a_page_with_its_options_and_their_help(site: Path) -> None:
    from crossspace.cli.main import COMMANDS
    from crossspace.cli.tree import parsers

    assert {path.stem for path in (site / "commands").glob("*.md")} == {"index", *COMMANDS}
    for name, parser in parsers().items():
        text = (site / "commands" / f"{name.split()[0]}.md").read_text(encoding="utf-8")
        assert f"crossspace {name} " in text
        # An option with underscores, as in Python, is another spelling of one with hyphens.
        names = {option.replace("_", "-") for option in parser.option_names()} - {"--help"}
        missing = [option for option in sorted(names) if f"`{option}`" not in text]
        silent = [a.dest for a in parser._actions if a.help and f"| {_first_words(a.help)}" not in text]
        assert not missing, f"{name} lacks {missing}"
        assert silent in ([], ["help"]), f"{name} does not say what {silent} are"


def _first_words(about: str) -> str:
    return generated_pages.cell(commands.marked(about.partition(" (default")[0])).split(";")[0]


def test_default_of_an_option_is_read_from_its_help_or_its_parser() -> None:
    parser = Parser(prog="crossspace thing", description="Do <it> with '--seeds 2'.")
    parser.add_argument("where")
    parser.add_argument("--seeds", type=int, help="how many (default 1)")
    parser.add_argument("--jobs", type=int, default=7, help="at a time (default: processors)")
    parser.add_argument("--split", default="test", choices=("test", "all"), help="test (default) or all")
    parser.add_argument("--data", required=True, help="see --split")
    parser.add_argument("--quiet", action="store_true")
    made = commands._action("thing", parser)
    assert [(o.names, o.value, o.default) for o in (*made.arguments, *made.options)] == [
        (("where",), "", "required"),
        (("--seeds",), "SEEDS", "1"),
        (("--jobs",), "JOBS", "processors"),
        (("--split",), "test | all", "test"),
        (("--data",), "DATA", "required"),
        (("--quiet",), "", ""),
    ]
    assert made.options[0].about == "how many"
    assert commands.marked(made.options[3].about) == "see `--split`"
    assert commands.marked(made.about[0]) == "Do &lt;it> with `--seeds 2`."


def test_every_route_and_every_object_stands_on_the_page_of_the_http_interface(site: Path) -> None:
    from crossspace.serve import about, analyze, live, predict, schemas

    text = (site / "http.md").read_text(encoding="utf-8")
    modules: tuple[ModuleType, ...] = (about, analyze, predict, live)
    routes = [route for module in modules for route in module.router.routes]
    assert len(routes) >= 5
    for route in routes:
        if getattr(route, "include_in_schema", True):
            (method,) = getattr(route, "methods", None) or {"WebSocket"}
            assert f"\n## {method} {route.path}\n" in text
    assert "[PostedUtterance](#postedutterance) in" in text
    for name in ("PostedConversation", "AnalysisAnswer", "ErrorAnswer"):
        keys = getattr(schemas, name).model_fields
        section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert all(f"| `{key}` |" in section for key in keys)


def test_new_route_and_new_socket_are_found_by_themselves() -> None:
    from fastapi import APIRouter, FastAPI, WebSocket

    router = APIRouter(prefix="/v2")

    @router.get("/moods", summary="All moods")
    async def moods(limit: int = 3) -> list[str]:
        """In order."""
        return ["calm"][:limit]

    @router.websocket("/hum")
    async def hum(socket: WebSocket) -> None:
        """One :class:`Health` out."""

    app = FastAPI()
    app.include_router(router)
    (route,) = interface._routes(app.openapi())
    assert (route.method, route.path, route.summary, route.about) == ("GET", "/v2/moods", "All moods", "In order.")
    assert [(one.name, one.kind, one.default) for one in route.parameters] == [("limit", "whole number", "3")]
    (socket,) = interface._sockets(app.routes)
    assert (socket.method, socket.path, socket.summary) == ("WebSocket", "/v2/hum", "One [Health](#health) out.")


def test_timeline_of_the_home_page_is_what_the_software_says_of_its_transcript() -> None:
    from crossspace.analysis.analyzer import Analyzer
    from crossspace.analysis.html import to_html

    shown = example.example()
    found = Analyzer.load(only=("text",)).analyze(None, example.TRANSCRIPT, conversation_id="kitchen")
    assert [(u.speaker, u.text, u.label) for u in shown.utterances] == [
        (u.speaker, u.text, u.label) for u in found.utterances
    ]
    for one, other in zip(shown.utterances, found.utterances, strict=True):
        assert one.probabilities == pytest.approx(dict(other.probabilities), abs=1e-3)
    assert shown.utterances[0].text in to_html(shown)


def test_lines_of_python_on_the_home_page_print_what_stands_below_them(capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    exec(program, {})
    assert capsys.readouterr().out == printed
    assert len(program.strip().splitlines()) == 10


def test_pictures_of_the_home_page_are_there() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|srcset)="([^"]+)"', text)
    assert len(named) == 4
    assert all((DOCS / name).is_file() for name in named)


def test_page_of_a_component_that_is_gone_goes_too(tmp_path: Path) -> None:
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "models-gone.md").write_text("# gone\n")
    generated_pages.write_pages(tmp_path)
    assert not (tmp_path / "components" / "models-gone.md").exists()


def test_recipes_page_shows_every_recipe_and_the_sizes_of_the_released_code(site: Path) -> None:
    from crossspace.recipes import recipe_names

    text = (site / "recipes.md").read_text(encoding="utf-8")
    assert all(f"\n## {name}\n" in text for name in recipe_names())
    assert "| **all** | **44,148,817** | **44,144,723** |" in text
    assert "| **all** | **42,896,488** | **47,090,794** |" in text


def test_every_page_stands_in_a_toctree(site: Path) -> None:
    listed = {"index"}
    for path in site.rglob("*.md"):
        for body in _TOCTREE.findall(path.read_text(encoding="utf-8")):
            for entry in (line.strip() for line in body.splitlines()):
                if entry and not entry.startswith(":"):
                    listed.add(str((path.parent / entry).relative_to(site)))
    assert {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.md")} == listed


def test_every_link_between_pages_leads_somewhere(site: Path) -> None:
    broken = []
    for path in [*site.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target, _ in _LINK.findall(path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert not broken
