"""``crossspace list``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from crossspace.cli.parsing import Parser
from crossspace.cli.terminal_tables import print_table
from crossspace.components import Components

if TYPE_CHECKING:
    from crossspace.parts import Part

KINDS = (
    "models", "encoders", "fusions", "balancers", "objectives", "importers", "extractors", "recognisers", "recipes",
    "studies",
)  # fmt: skip


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
        "encoders": _encoders,
        "fusions": _fusions,
        "balancers": _balancers,
        "objectives": _objectives,
        "importers": _importers,
        "extractors": _extractors,
        "recognisers": _recognisers,
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
    for name, about in _rows(part.kinds, lambda kind: kind.citation):  # type: ignore[arg-type]
        rows.append((name, about))
        if name in part.here:
            rows += [_option(*option) for option in options_of(part, name) if option[0] not in part.placed]
    beside = [_option(*option) for option in options_of(part, part.usual) if option[0] in part.placed]
    return rows + ([(f"with every {part.what}", ""), *beside] if beside else [])


def _option(name: str, default: object, about: str) -> tuple[str, str]:
    return f"  {name}", f"{about.rstrip('.')} (default {json.dumps(default)})"


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


def _recognisers() -> list[tuple[str, str]]:
    from crossspace.features.speech.recognisers import RECOGNISERS
    from crossspace.features.speech.speaker_encoders import SPEAKER_ENCODERS

    kinds: dict[str, Components[Any]] = {"words": RECOGNISERS, "speakers": SPEAKER_ENCODERS}
    return [
        (f"{what} {name}", about)
        for what, components in kinds.items()
        for name, about in _rows(components, lambda kind: kind.licence)
    ]


def _recipes() -> list[tuple[str, str]]:
    from crossspace.recipes import recipe_names, recipe_summary

    return [(name, recipe_summary(name)) for name in recipe_names()]


def _studies() -> list[tuple[str, str]]:
    from crossspace.studies.shipped import study_names, study_summary

    return [(name, study_summary(name)) for name in study_names()]
