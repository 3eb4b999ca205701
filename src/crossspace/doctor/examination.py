"""All that can be said of an installation, whatever fails while it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from crossspace import __version__
from crossspace.doctor import machine
from crossspace.doctor.features import FEATURES, install
from crossspace.doctor.imports import imported
from crossspace.doctor.places import places
from crossspace.doctor.requirements import Library, extras, libraries, pythons

_LITTLE = 2 * 10**9
"""Bytes below which a disk is told to be nearly full: a model of the hub does not fit."""


class Examination:
    """What an installation has and lacks.

    Args:
        importing: libraries are imported, in a process of their own, and PyTorch is asked what it computes on; without
            only their versions are looked at, which takes no time.

    Attributes:
        problems: sentences on what is installed and does not work.
        notes: sentences on what else should be known.
    """

    def __init__(self, importing: bool = True) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._named: set[str] = set()
        own = self._ask("libraries", libraries, [])
        by_extra = {name: self._ask(name, partial(libraries, name), []) for name in self._ask("extras", extras, [])}
        every = [*own, *(one for found in by_extra.values() for one in found)]
        answers = self._ask("imports", lambda: _imports(every), {}) if importing else {}
        self.pytorch: dict[str, Any] = answers.get("torch", {}).get("facts", {})
        self.own = [_after(one, answers) for one in own]
        self.by_extra = {name: [_after(one, answers) for one in found] for name, found in by_extra.items()}
        self.interpreter: dict[str, Any] = self._ask("interpreter", machine.interpreter, {})
        self.system: dict[str, Any] = self._ask("system", machine.system, {})
        self.processor: dict[str, Any] = self._ask("processor", machine.processor, {})
        self.environment: dict[str, str] = self._ask("environment", machine.environment, {})
        self.text: dict[str, Any] = self._ask("text", machine.text, {})
        self.places: list[dict[str, Any]] = self._ask("places", places, [])
        self._judge()

    def state(self, extra: str) -> str:
        """``fine``, ``missing``, ``partly missing``, ``unsuitable`` or ``broken``; ``unknown`` where nothing is."""
        states = [one.state for one in self.by_extra.get(extra, [])]
        worst = next((s for s in ("broken", "unsuitable", "missing", "fine") if s in states), "unknown")
        return "partly missing" if worst == "missing" and set(states) != {"missing"} else worst

    def features(self) -> list[dict[str, Any]]:
        """What can be done: ``what``, ``extras`` it takes, ``lacking`` ones, and the command that brings those."""
        found = []
        for what, taken in FEATURES.items():
            lacking = [extra for extra in taken if self.state(extra) != "fine"]
            upgrade = any(self.state(extra) == "unsuitable" for extra in lacking)
            command = install(lacking, upgrade) if lacking else None
            found.append({"what": what, "extras": list(taken), "lacking": lacking, "install": command})
        return found

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "crossspace": __version__,
            "fine": not self.problems,
            "problems": self.problems,
            "notes": self.notes,
            "interpreter": self.interpreter,
            "system": self.system,
            "processor": self.processor,
            "pytorch": self.pytorch,
            "libraries": [_plain(one) for one in self.own],
            "extras": {
                name: {
                    "state": self.state(name),
                    "install": install([name]),
                    "libraries": [_plain(one) for one in found],
                }
                for name, found in self.by_extra.items()
            },
            "features": self.features(),
            "environment": self.environment,
            "text": self.text,
            "places": self.places,
        }

    def _ask(self, what: str, question: Callable[[], Any], instead: Any) -> Any:
        try:
            return question()
        # A doctor who falls ill is of no use: what cannot be found out is said, and the rest goes on.
        except Exception as error:
            self.notes.append(f"Nothing is known of {what}: {type(error).__name__}: {error}.")
            return instead

    def _judge(self) -> None:
        for one in self.own:
            if one.state != "fine":
                self._say(self.problems, one, "pip install --upgrade crossspace")
        for extra, found in self.by_extra.items():
            for one in found:
                if one.state == "broken":
                    self._say(self.problems, one, f"pip install --force-reinstall {one.name}")
                elif one.state == "unsuitable":
                    self._say(self.notes, one, install([extra], upgrade=True))
        self._ask("supported versions of Python", self._judge_python, None)
        for place in self.places:
            self._judge_place(place)
        if self.text and str(self.text["files"]).lower().replace("-", "") != "utf8":
            self.notes.append(
                f"Text files of other programs are read as {self.text['files']} where nothing else is said. Setting "
                "PYTHONUTF8=1 makes it UTF-8."
            )

    def _say(self, where: list[str], library: Library, command: str) -> None:
        if library.name in self._named:
            return
        self._named.add(library.name)
        version = f" {library.installed}" if library.installed not in (None, "?") else ""
        about = library.fault or f"not installed ({library.wanted or 'any version'} is needed)"
        where.append(f"{library.name}{version}: {about.rstrip('.')}. Try: {command}")

    def _judge_python(self) -> None:
        tried, version = pythons(), ".".join(self.interpreter.get("version", "").split(".")[:2])
        if tried and version and version not in tried:
            self.notes.append(
                f"Python {version} is not among those that crossspace is tested with: {', '.join(tried)}."
            )

    def _judge_place(self, place: dict[str, Any]) -> None:
        if not place["writable"]:
            self.notes.append(f"{place['path']} ({place['what']}) cannot be written to.")
        elif place["free"] < _LITTLE:
            self.notes.append(f"{place['path']} ({place['what']}) has {place['free'] / 1e9:.1f} GB left.")


def _imports(found: list[Library]) -> dict[str, dict[str, Any]]:
    return imported([one.module for one in found if one.installed is not None])


def _after(library: Library, answers: dict[str, dict[str, Any]]) -> Library:
    return library.after_import(answers.get(library.module, {}).get("fault", ""))


def _plain(library: Library) -> dict[str, Any]:
    return {**asdict(library), "state": library.state}
