"""A study: one base configuration, named variants of it, and what to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossspace.configuration import Configuration

BEST_ON_TEST = "best-on-test"
SECTIONS = ("model", "balancer", "training")


@dataclass(frozen=True)
class Conditions:
    """At what a trained model is tested besides the whole test split.

    Attributes:
        of: the variant that is tested so.
        rates: fractions of the utterances that miss a modality, one chosen at random or always the same.
    """

    of: str
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Variant:
    """One line of a study.

    Attributes:
        name: also the name of its run folder.
        about: what is different.
        configuration: complete.
        published: ``(accuracy, weighted F1)`` in percent that the literature prints for it, where it does.
        point: where it lies on the grid of the study, ``{argument: value}``.
        twin_of: the variant of which this one is a copy under the protocol ``best-on-test``.
        unusable: why it cannot run here, such as an optional library that is not installed.
    """

    name: str
    about: str
    configuration: Configuration
    published: tuple[float, float] | None = None
    point: Mapping[str, Any] = field(default_factory=dict)
    twin_of: str | None = None
    unusable: str | None = None


@dataclass(frozen=True)
class Study:
    """Variants that belong together.

    Attributes:
        name: of the file.
        about: its first line.
        settings: for which kind of corpus, where the study distinguishes any.
        settings_because: why these were taken, where nobody asked for them.
        variants: in the order of the tables.
        reference: the variant that the others are compared with.
        grid: ``{argument: values}`` where the variants span a grid.
        conditions: see :class:`Conditions`.
        report: what is reported besides scores: ``costs`` (time, memory, parameters), ``curves`` (losses over steps).
        left_out: variants that have nothing for these settings.
    """

    name: str
    about: str
    settings: str | None
    variants: tuple[Variant, ...]
    reference: str
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    conditions: Conditions | None = None
    report: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    settings_because: str = ""

    def description(self, variant: Variant) -> str:
        """What is different about a variant, and, where the variants start from several recipes, from which."""
        recipes = {v.configuration.recipe for v in self.variants}
        recipe = variant.configuration.recipe if len(recipes) > 1 else None
        return variant.about + (f" (recipe {recipe})" if recipe else "")

    def variant(self, name: str) -> Variant:
        """The variant of that name."""
        return next(variant for variant in self.variants if variant.name == name)
