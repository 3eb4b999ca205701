"""How components are found: every concrete class with a name, in the files of a folder and of the folders in it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TypeVar

Component = TypeVar("Component")


def discover(package: str, path: Iterable[str], base: type[Component]) -> dict[str, type[Component]]:
    """``{name: class}`` of the concrete subclasses of ``base`` in the modules of ``package``, sorted by name.

    A component may be one file or, where that would hold two ideas, a folder of its own. A class counts where it is
    defined, so that a folder may also export it.
    """
    components: dict[str, type[Component]] = {}
    for module in _modules(package, path):
        for value in vars(module).values():
            local = isinstance(value, type) and value.__module__ == module.__name__
            if local and issubclass(value, base) and not inspect.isabstract(value) and hasattr(value, "name"):
                components[value.name] = value
    return dict(sorted(components.items()))


def _modules(package: str, path: Iterable[str]) -> Iterator[ModuleType]:
    for module_info in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{module_info.name}")
        yield module
        if module_info.ispkg:
            yield from _modules(module.__name__, module.__path__)
