"""``crossspace list``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from crossspace.cli.parsing import Parser
from crossspace.cli.terminal_tables import show

KINDS = ("models", "fusions", "balancers", "importers", "extractors", "recipes", "studies")


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace list", description="List what there is.")
    parser.add_argument("kind", nargs="?", choices=KINDS, help="one kind only")
    return {"": parser}


def run(words: Sequence[str]) -> int:
    """List components and recipes."""
    given = parsers()[""].parse_all(words)
    listers: dict[str, Callable[[], list[tuple[str, str]]]] = {
        "models": _models,
        "fusions": _fusions,
        "balancers": _balancers,
        "importers": _importers,
        "extractors": _extractors,
        "recipes": _recipes,
        "studies": _studies,
    }
    for kind in [given.kind] if given.kind else KINDS:
        show(kind, ("name", "what it is"), listers[kind](), numbers=False)
    return 0


def _about(component: type) -> str:
    return (inspect.getdoc(component) or "").splitlines()[0]


def _models() -> list[tuple[str, str]]:
    from crossspace.models import MODELS

    return [(name, f"{_about(model)} {model.citation}") for name, model in MODELS.items()]


def _fusions() -> list[tuple[str, str]]:
    from crossspace.nn.fusion import FUSIONS

    return [(name, f"{_about(fusion)} {fusion.citation}") for name, fusion in FUSIONS.items()]


def _balancers() -> list[tuple[str, str]]:
    from crossspace.balance import BALANCERS

    return [(name, _about(balancer)) for name, balancer in BALANCERS.items()]


def _importers() -> list[tuple[str, str]]:
    from crossspace.data.importers import find, names

    return [(name, _about(find(name))) for name in names()]


def _extractors() -> list[tuple[str, str]]:
    from crossspace.features.extractors import extractors

    return [
        (f"{modality} {name}", f"{_about(kind)} {kind.licence}")
        for modality, kinds in extractors().items()
        for name, kind in kinds.items()
    ]


def _recipes() -> list[tuple[str, str]]:
    from crossspace.recipes import recipe_names, recipe_summary

    return [(name, recipe_summary(name)) for name in recipe_names()]


def _studies() -> list[tuple[str, str]]:
    from crossspace.studies.shipped import study_names, study_summary

    return [(name, study_summary(name)) for name in study_names()]
