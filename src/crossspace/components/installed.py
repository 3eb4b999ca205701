"""What installed packages offer, found without importing any of them: the entry points ``crossspace.components``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from crossspace.errors import UsageError

GROUP = "crossspace.components"


@dataclass(frozen=True)
class Offer:
    """A component that an installed package has registered.

    Attributes:
        distribution, version: of the package.
        entry: what it has registered.
        rival: another package that offers the same name.
    """

    distribution: str
    version: str
    entry: EntryPoint
    rival: Offer | None = None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.entry.name} = {self.entry.value})"

    def load(self) -> Any:
        """Import it.

        Raises:
            UsageError: another package offers the same name, or it fails on import.
        """
        if self.rival is not None:
            raise UsageError(f"Two installed packages offer this name: {self.rival} and {self}. Remove one of them.")
        try:
            return self.entry.load()
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"{self} cannot be imported: {type(error).__name__}: {error}. Install it again, or ask who made it."
            ) from error

    def is_home_of(self, component: type) -> bool:
        """Whether a class is of the same package."""
        return component.__module__.partition(".")[0] == self.entry.module.partition(".")[0]


def offers(kind: str) -> dict[str, Offer]:
    """``{name: offer}`` of a kind. An entry point is called ``KIND.NAME``, a kind of two words with a hyphen."""
    known: dict[str, Offer] = {}
    for offer in _offers():
        prefix, _, name = offer.entry.name.partition(".")
        if prefix.replace("-", " ") == kind and name:
            known[name] = replace(offer, rival=known.get(name))
    return known


@cache
def _offers() -> tuple[Offer, ...]:
    """All entry points of the group; what is installed does not change under a process."""
    known = []
    for entry in entry_points(group=GROUP):
        about = entry.dist
        known.append(Offer(about.name if about else "an unknown package", about.version if about else "", entry))
    return tuple(known)
