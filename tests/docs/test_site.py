"""The pages hang together, and every component documents itself."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path

import catalogue
import generated_pages
import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COMPONENTS = [c for c in catalogue.components() if c.kind != "Python names"]

_TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated pages, and the written ones with their figures copied beside them."""
    folder = tmp_path_factory.mktemp("site")
    for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.svg")):
        place = path.relative_to(DOCS)
        if place.parts[0] not in ("_build", "components", "recipes.md"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / place)
    generated_pages.write_pages(folder)
    return folder


def test_every_kind_of_component_is_found() -> None:
    from crossspace.balance import BALANCERS
    from crossspace.data import importers
    from crossspace.models import MODELS

    found = {kind: {c.name for c in COMPONENTS if c.kind == kind} for kind in {c.kind for c in COMPONENTS}}
    assert found["Models"] == set(MODELS)
    assert found["Balancers"] == set(BALANCERS)
    assert found["Importers"] == set(importers.names())
    assert found["Objectives"] >= {"fused", "unimodal", "distillation"}
    assert found["Layers and fusion"] >= {"SynergisticPolynomialFusion", "InteractionEncoder", "RecurrentEncoder"}
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
