"""How components are found: every concrete class with a name, in the files of a folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def discover(package: str, path: Iterable[str], base: type[T]) -> dict[str, type[T]]:
    """``{name: class}`` of the concrete subclasses of ``base`` defined in the modules of ``package``, sorted by name."""
    found: dict[str, type[T]] = {}
    for module_info in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__:
                if not inspect.isabstract(value) and hasattr(value, "name"):
                    found[value.name] = value
    return dict(sorted(found.items()))
