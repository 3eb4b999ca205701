"""``crossspace list``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from crossspace.cli.parsing import Parser
from crossspace.cli.terminal_tables import print_table
from crossspace.components import Components

KINDS = ("models", "fusions", "balancers", "objectives", "importers", "extractors", "recipes", "studies")


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace list", description="List what there is.", imports=True)
    parser.add_argument("kind", nargs="?", choices=KINDS, help="one kind only")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """List components and recipes."""
    options = parsers()[""].parse_all(words)
    listers: dict[str, Callable[[], list[tuple[str, str]]]] = {
        "models": _models,
        "fusions": _fusions,
        "balancers": _balancers,
        "objectives": _objectives,
        "importers": _importers,
        "extractors": _extractors,
        "recipes": _recipes,
        "studies": _studies,
    }
    for kind in [options.kind] if options.kind else KINDS:
        print_table(kind, ("name", "what it is"), listers[kind](), numbers=False)
    return 0


def _about(component: type) -> str:
    return next(iter((inspect.getdoc(component) or "").splitlines()), "")


def _rows(components: Components[Any], detail: Callable[[Any], str] = lambda component: "") -> list[tuple[str, str]]:
    """Names and descriptions; of what is from outside, also where from. What packages offer is not imported."""
    outside = components.outside
    rows = []
    # Only what is imported already: listing should not run code of installed packages.
    for name, component in components.here.items():
        source = f"(from {outside[name].origin})" if name in outside else ""
        rows.append((name, " ".join(filter(None, (_about(component), detail(component), source)))))
    # Named all the same: a user should see what an installed package offers.
    notes = {"imported when it is used": components.offered, "hidden by the one above": components.shadowed}
    return rows + [
        (name, f"(from {offer.distribution} {offer.version}, {note})")
        for note, offers in notes.items()
        for name, offer in offers.items()
    ]


def _models() -> list[tuple[str, str]]:
    from crossspace.models import MODELS

    return _rows(MODELS, lambda model: model.citation)


def _fusions() -> list[tuple[str, str]]:
    from crossspace.nn.fusion import FUSIONS

    return _rows(FUSIONS, lambda fusion: fusion.citation)


def _balancers() -> list[tuple[str, str]]:
    from crossspace.balance import BALANCERS

    return _rows(BALANCERS)


def _objectives() -> list[tuple[str, str]]:
    from crossspace.objectives import OBJECTIVES

    return _rows(OBJECTIVES)


def _importers() -> list[tuple[str, str]]:
    from crossspace.data.importers import IMPORTERS

    return _rows(IMPORTERS)


def _extractors() -> list[tuple[str, str]]:
    from crossspace.features.extractors import extractors

    return [
        (f"{modality} {name}", about)
        for modality, kinds in extractors().items()
        for name, about in _rows(kinds, lambda kind: kind.licence)
    ]


def _recipes() -> list[tuple[str, str]]:
    from crossspace.recipes import recipe_names, recipe_summary

    return [(name, recipe_summary(name)) for name in recipe_names()]


def _studies() -> list[tuple[str, str]]:
    from crossspace.studies.shipped import study_names, study_summary

    return [(name, study_summary(name)) for name in study_names()]
