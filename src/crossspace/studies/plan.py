"""From the content of a study file to a checked study: every fault at once, before anything runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from crossspace.configuration import make_configuration, merge
from crossspace.data.corpus import Corpus
from crossspace.errors import MissingExtraError, UnsuitableError, UsageError, suggestion
from crossspace.models import MODELS
from crossspace.recipes import read_recipe
from crossspace.studies.grid import at_point, checked_grid
from crossspace.studies.published import fits_published, published_scores
from crossspace.studies.settings import asked_settings, check_special, known_settings, special
from crossspace.studies.study import BEST_ON_TEST, SECTIONS, Conditions, Study, Variant

_KEYS = ("base", "variants", "grid", "reference", "conditions", "report")
_VARIANT_KEYS = ("about", "published", "recipe", "by_settings", *SECTIONS)
_REPORTS = ("costs", "curves")
MOST_VARIANTS = 2000


def plan(
    content: Mapping[str, Any],
    corpus: Corpus,
    *,
    name: str,
    about: str = "",
    settings: str | None = None,
    changes: Mapping[str, Any] | None = None,
    best_on_test: bool = False,
) -> Study:
    """Check the content of a study file against the signatures and against a corpus.

    Args:
        content: ``base``, ``variants`` or ``grid``, ``reference``, ``conditions``, ``report``.
        corpus: on which it is to run; every model is built once, without storage, to see that it fits.
        name, about: of the study.
        settings: key of the recipes to take; when not given, by :func:`~.settings.choose_settings`.
        changes: nested values that hold for every variant that does not say otherwise.
        best_on_test: run every variant under that protocol too.

    Raises:
        UsageError: every fault of the study at once.
    """
    faults = _unknown(content, _KEYS, "Unknown")
    written, grid = _written(content, faults)
    base = _mapping(content, "base", faults)
    faults += _unknown(base, _VARIANT_KEYS, "base: unknown")
    settings, why = asked_settings([base, *written.values()], settings, corpus, faults)
    known = known_settings([base, *written.values()])
    for where, stated in [("base", base), *((f"variant {n!r}", v) for n, v in written.items())]:
        check_special(where, stated, known, faults)
    trees = {n: _tree(base, v, settings, changes or {}, f"variant {n!r}", faults) for n, v in written.items()}
    variants = _variants(trees, written, settings, corpus, best_on_test, faults)
    reference = _reference(content, written, faults)
    conditions, report = _conditions(content, written, faults), _report(content, faults)
    if not variants and not faults:
        faults.append(f"The study has no variant for the settings {settings!r}.")
    if faults:
        raise UsageError(f"The study {name!r} cannot be run:\n  " + "\n  ".join(faults))
    kept = [variant.name for variant in variants]
    return Study(
        name=name,
        about=about,
        settings=settings,
        settings_because=why,
        variants=tuple(variants),
        reference=reference if reference in kept else kept[0],
        grid=grid,
        conditions=conditions,
        report=report,
        left_out=tuple(variant for variant, tree in trees.items() if tree is None),
    )


def _reference(content: Mapping[str, Any], written: Mapping[str, Any], faults: list[str]) -> str:
    """The variant that the others are compared with: the one that is named, else the first."""
    reference = str(content.get("reference", next(iter(written), "")))
    if written and reference not in written:
        faults.append(f"`reference` should name a variant. {suggestion(reference, written)}")
    return reference


def _report(content: Mapping[str, Any], faults: list[str]) -> tuple[str, ...]:
    """What the report is to show beside what every report shows."""
    kinds = content.get("report") or []
    if not isinstance(kinds, list):
        faults.append(f"`report` should be a list of {list(_REPORTS)}. Found {kinds!r}.")
        return ()
    faults += [f"`report` knows {list(_REPORTS)}. Found {kind!r}." for kind in kinds if kind not in _REPORTS]
    return tuple(kinds)


def _written(content: Mapping[str, Any], faults: list[str]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The variants that are written out and those of the grid, and the grid itself."""
    written = {str(name): values or {} for name, values in _mapping(content, "variants", faults).items()}
    grid = checked_grid(_mapping(content, "grid", faults), faults)
    count = len(written) + prod(map(len, grid.values()))
    if count > MOST_VARIANTS:  # known before any is built
        raise UsageError(f"A study may have {MOST_VARIANTS:,} variants. This one has {count:,}. Shorten its grid.")
    points = dict(map(at_point, (dict(zip(grid, p, strict=True)) for p in itertools.product(*grid.values()) if p)))
    faults += [
        f"variant {n!r} stands twice: written out and on the grid. Leave one out." for n in points if n in written
    ]
    if not written and not content.get("grid"):
        faults.append("A study needs `variants` or a `grid`. Found neither.")
    for name, values in (written | points).items():
        if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
            faults.append(f"variant {name!r}: a name may hold letters, digits and . + - _ only; it names a folder.")
        if not isinstance(values, Mapping):
            faults.append(f"variant {name!r} should be a mapping. Found {values!r}.")
        elif name in written:
            faults += _unknown(values, _VARIANT_KEYS, f"variant {name!r}: unknown")
    return {n: values for n, values in (written | points).items() if isinstance(values, Mapping)}, grid


def _unknown(mapping: Mapping[str, Any], known: Sequence[str], where: str) -> list[str]:
    return [f"{where} key {key!r}. {suggestion(str(key), known)}" for key in mapping if key not in known]


def _mapping(content: Mapping[str, Any], key: str, faults: list[str]) -> dict[str, Any]:
    mapping = content.get(key) or {}
    if not isinstance(mapping, Mapping):
        faults.append(f"`{key}` should be a mapping. Found {mapping!r}.")
        return {}
    return dict(mapping)


def _tree(
    base: Mapping[str, Any],
    values: Mapping[str, Any],
    settings: str | None,
    changes: Mapping[str, Any],
    where: str,
    faults: list[str],
) -> dict[str, Any] | None:
    """Nested values of a variant: recipe, base, changes for all, its own; None where it has no recipe for these."""
    own = values.get("recipe")
    recipe: Any = base.get("recipe") if own is None else own
    layers: list[Mapping[str, Any]] = []
    if isinstance(recipe, Mapping):
        recipe = recipe.get(settings)
        if recipe is None:
            return None
    if recipe is not None:
        try:
            layers.append(read_recipe(str(recipe)))
        except UsageError as error:
            faults.append(f"{where}: {error}")
    below = [base, special(base, settings)] if own is None else []
    for layer in [*below, changes, values, special(values, settings)]:
        layers.append({k: v for k, v in layer.items() if k in SECTIONS})
    return {**merge(layers), "recipe": recipe}


def _variants(
    trees: Mapping[str, dict[str, Any] | None],
    written: Mapping[str, Any],
    settings: str | None,
    corpus: Corpus,
    best_on_test: bool,
    faults: list[str],
) -> list[Variant]:
    """Those that have a recipe for the settings, each followed by its twin where it is wanted."""
    variants: list[Variant] = []
    for name, tree in trees.items():
        built = None if tree is None else _variant(name, written[name], tree, settings, corpus, faults)
        if tree is not None and built is not None:
            variants += [built, _twin(built, tree)] if best_on_test else [built]
    return variants


def _variant(
    name: str,
    values: Mapping[str, Any],
    tree: dict[str, Any],
    settings: str | None,
    corpus: Corpus,
    faults: list[str],
) -> Variant | None:
    tree = dict(tree)
    recipe = tree.pop("recipe")
    unusable = None
    try:
        configuration = make_configuration(tree, recipe)
        configuration.check(corpus)
    except (MissingExtraError, UnsuitableError) as error:
        unusable = str(error)
    except (UsageError, TypeError, ValueError) as error:
        faults += [f"variant {name!r}: {line}" for line in str(error).splitlines()]
        return None
    published = values.get("published")
    if published is None:
        model = configuration.model["name"]
        published = (published_scores(model) or MODELS[model].published) if "recipe" in values else {}
    if isinstance(published, Mapping):  # of several corpora, of which this one may be none, whatever its settings
        published = published.get(settings) if fits_published(settings, corpus.spec.labels) else None
    scores = published
    if scores is not None and (not isinstance(scores, Sequence) or len(scores) != 2):
        faults.append(f"variant {name!r}: `published` should be [accuracy, weighted F1] in percent. Found {scores!r}.")
        return None
    about = str(values.get("about", ""))
    return Variant(
        name, about, configuration, tuple(scores) if scores else None, values.get("point", {}), unusable=unusable
    )


def _twin(variant: Variant, tree: dict[str, Any]) -> Variant:
    """The same under the protocol best-on-test."""
    changed = {**tree, "training": {**tree.get("training", {}), "protocol": BEST_ON_TEST}}
    recipe = changed.pop("recipe")
    return Variant(
        name=f"{variant.name}--{BEST_ON_TEST}",
        about=variant.about,
        configuration=make_configuration(changed, recipe),
        published=variant.published,
        point=variant.point,
        twin_of=variant.name,
        unusable=variant.unusable,
    )


def _conditions(content: Mapping[str, Any], written: Mapping[str, Any], faults: list[str]) -> Conditions | None:
    conditions = content.get("conditions")
    if conditions is None:
        return None
    if not isinstance(conditions, Mapping) or set(conditions) != {"of", "rates"}:
        faults.append(f"`conditions` should have the keys `of`, a variant, and `rates`. Found {conditions!r}.")
        return None
    of = str(conditions["of"])
    if of not in written:
        faults.append(f"conditions: `of` should name a variant. {suggestion(of, written)}")
    rates = conditions["rates"]
    if not isinstance(rates, list) or not all(isinstance(r, (int, float)) and 0 < r <= 1 for r in rates):
        faults.append(f"conditions: `rates` should be fractions above 0 and at most 1. Found {rates!r}.")
        return None
    return Conditions(of, tuple(float(r) for r in rates))
