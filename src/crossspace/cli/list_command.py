"""``crossspace list``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser
from crossspace.cli.terminal_tables import show

if TYPE_CHECKING:
    from crossspace.parts import Part

KINDS = ("models", "encoders", "fusions", "balancers", "importers", "extractors", "recipes", "studies")


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
        "encoders": _encoders,
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


def _encoders() -> list[tuple[str, str]]:
    from crossspace.nn.encoders import ENCODER

    return _kinds(ENCODER)


def _fusions() -> list[tuple[str, str]]:
    from crossspace.nn.fusion import FUSION

    return _kinds(FUSION)


def _kinds(part: Part) -> list[tuple[str, str]]:
    """The components of a part, each followed by its own options; at the end those that stand beside all of them."""
    from crossspace.signatures import options_of

    rows: list[tuple[str, str]] = []
    for name, kind in part.kinds.items():
        rows.append((name, f"{_about(kind)} {kind.citation}"))  # type: ignore[attr-defined]
        rows += [_option(*option) for option in options_of(part, name) if option[0] not in part.placed]
    beside = [_option(*option) for option in options_of(part, part.usual) if option[0] in part.placed]
    return rows + ([(f"with every {part.what}", ""), *beside] if beside else [])


def _option(name: str, default: object, about: str) -> tuple[str, str]:
    return f"  {name}", f"{about.rstrip('.')} (default {json.dumps(default)})"


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
