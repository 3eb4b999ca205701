"""Importers turn what others wrote into a corpus: one file each in this folder, and a new file appears by itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping

from crossspace.components import Components
from crossspace.data.importers.base import Importer
from crossspace.errors import UsageError, suggestion

_NOT_IMPORTERS = frozenset({"base", "assemble"})


class _Files(Mapping[str, type[Importer]]):
    """The importers of this folder by the names of their files; one is imported when it is looked up."""

    def __getitem__(self, name: str) -> type[Importer]:
        if name not in list(self):
            raise KeyError(name)
        module = importlib.import_module(f"{__name__}.{name}")
        (importer,) = (
            member
            for _, member in inspect.getmembers(module, inspect.isclass)
            # Imported classes, Importer among them, are members too.
            if issubclass(member, Importer) and member.__module__ == module.__name__
        )
        return importer

    def __iter__(self) -> Iterator[str]:
        return iter(
            sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.ispkg and m.name not in _NOT_IMPORTERS)
        )

    def __len__(self) -> int:
        return len(list(iter(self)))


IMPORTERS: Components[Importer] = Components("importer", Importer, _Files)  # type: ignore[type-abstract]


def names() -> list[str]:
    """The importers there are, in the order of the alphabet; nothing is imported."""
    return sorted(IMPORTERS)


def find(name: str) -> type[Importer]:
    """The class of an importer; the keyword arguments of its constructor are its options.

    Raises:
        UsageError: there is no importer of that name.
    """
    if name not in IMPORTERS:
        raise UsageError(f"There is no importer {name!r}. {suggestion(name, names())}")
    return IMPORTERS[name]
