"""Importers turn what others wrote into a corpus: one file each in this folder, and a new file appears by itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

from crossspace.errors import UsageError, suggestion

if TYPE_CHECKING:
    from crossspace.data.importers.base import Importer

_NOT_IMPORTERS = frozenset({"base", "assemble"})


def names() -> list[str]:
    """The importers there are, found by looking into this folder; nothing is imported."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.ispkg and m.name not in _NOT_IMPORTERS)


def find(name: str) -> type[Importer]:
    """The class of an importer; the keyword arguments of its constructor are its options.

    Raises:
        UsageError: there is no importer of that name.
    """
    if name not in names():
        raise UsageError(f"There is no importer {name!r}. {suggestion(name, names())}")
    from crossspace.data.importers.base import Importer

    module = importlib.import_module(f"{__name__}.{name}")
    (found,) = (
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Importer) and member.__module__ == module.__name__
    )
    return found
