"""All that can be said of an installation, whatever fails while it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from crossspace import __version__
from crossspace.doctor import machine
from crossspace.doctor.features import EXPORTED, FEATURES, ITSELF, WITHOUT_TORCH, install, install_alone
from crossspace.doctor.imports import imported
from crossspace.doctor.places import places
from crossspace.doctor.requirements import Library, extras, ill_reader, libraries, pythons, stated

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
        self._unknown: dict[str, list[str]] = {}
        sets: dict[str, list[Library]] = {name: [] for name in (ITSELF, *WITHOUT_TORCH)}
        by_extra: dict[str, list[Library]] = {}
        if (ill := ill_reader()) is not None:
            sets[ITSELF] = [ill]
        else:
            sets[ITSELF] = self._ask("libraries", libraries, [])
            sets |= {name: self._ask(name, partial(stated, lines), []) for name, lines in WITHOUT_TORCH.items()}
            by_extra = {name: self._ask(name, partial(libraries, name), []) for name in self._ask("extras", extras, [])}
            sets |= by_extra
        every = [one for found in sets.values() for one in found]
        answers = self._ask("imports", lambda: _imports(every), {}) if importing else {}
        self.pytorch: dict[str, Any] = answers.get("torch", {}).get("facts", {})
        self.sets = {name: [_after(one, answers) for one in found] for name, found in sets.items()}
        self.own = self.sets[ITSELF]
        self.by_extra = {name: self.sets[name] for name in by_extra}
        self.interpreter: dict[str, Any] = self._ask("interpreter", machine.interpreter, {})
        self.system: dict[str, Any] = self._ask("system", machine.system, {})
        self.processor: dict[str, Any] = self._ask("processor", machine.processor, {})
        self.environment: dict[str, str] = self._ask("environment", machine.environment, {})
        self.text: dict[str, Any] = self._ask("text", machine.text, {})
        self.places: list[dict[str, Any]] = self._ask("places", places, [])
        self._judge()
        unknown = [f"Nothing is known of {', '.join(what)}: {why}." for why, what in self._unknown.items()]
        self.notes = unknown + self.notes

    def state(self, name: str) -> str:
        """Of a set of libraries, such as an extra.

        ``fine``, ``missing``, ``partly missing``, ``unsuitable`` or ``broken``; ``unknown`` where nothing is known.
        """
        states = [one.state for one in self.sets.get(name, [])]
        worst = next((s for s in ("broken", "unsuitable", "missing", "fine") if s in states), "unknown")
        return "partly missing" if worst == "missing" and set(states) != {"missing"} else worst

    def features(self) -> list[dict[str, Any]]:
        """What can be done: ``what``, sets of libraries it ``takes``, ``lacking`` ones, and the command for those.

        ``can`` is ``yes``, ``no``, or ``unknown`` where nothing is known of a set and nothing else lacks.
        """
        found = []
        for what, taken in FEATURES.items():
            lacking = [name for name in taken if self.state(name) != "fine"]
            known = any(self.state(name) != "unknown" for name in lacking)
            can = "no" if known else "unknown" if lacking else "yes"
            command = self._command(lacking, whole=ITSELF in taken)
            found.append({"what": what, "can": can, "takes": list(taken), "lacking": lacking, "install": command})
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
            self._unknown.setdefault(f"{type(error).__name__}: {error}", []).append(what)
            return instead

    def _command(self, names: Sequence[str], whole: bool) -> str | None:
        """What brings these sets, if anything is to be brought: with the whole package, or no more than they lack."""
        if whole:
            upgrade = any(self.state(name) == "unsuitable" for name in names)
            return install([name for name in names if name != ITSELF], upgrade) if names else None
        lacking = [one for name in names for one in self.sets.get(name, []) if one.state != "fine"]
        return install_alone(lacking) if lacking else None

    def _judge(self) -> None:
        needed = self._needed()
        for name, found in self.sets.items():
            for one in found:
                if one.state == "broken":
                    self._say(self.problems, one, f"pip install --force-reinstall {one.name}")
                elif one.state != "fine" and name == needed:
                    self._say(self.problems, one, _mended(one, [], whole=needed == ITSELF))
                elif one.state == "unsuitable" and name in self.by_extra:
                    self._say(self.notes, one, _mended(one, [name], whole=needed == ITSELF))
        self._ask("supported versions of Python", self._judge_python, None)
        for place in self.places:
            self._judge_place(place)
        if self.text and str(self.text["files"]).lower().replace("-", "") != "utf8":
            self.notes.append(
                f"Text files of other programs are read as {self.text['files']} where nothing else is said. Setting "
                "PYTHONUTF8=1 makes it UTF-8."
            )

    def _needed(self) -> str:
        """The set without which this installation is not in order.

        Without PyTorch, exported models are all that it can be meant for, if what these take is installed.
        """
        if not any(one.module == "torch" and one.state == "missing" for one in self.own):
            return ITSELF
        exported = self.sets[EXPORTED]
        if exported and all(one.installed is not None for one in exported):
            self.notes.append(
                f"PyTorch is not installed: only exported models can be used here. To get everything: {install()}. "
                "Every other command that names crossspace brings PyTorch too."
            )
            return EXPORTED
        if exported:
            self.notes.append(
                f"To use exported models alone, without PyTorch: {self._command([EXPORTED], whole=False)}."
            )
        return ITSELF

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


def _mended(library: Library, extras: Sequence[str], whole: bool) -> str:
    return install(extras, upgrade=library.state == "unsuitable") if whole else install_alone([library])


def _plain(library: Library) -> dict[str, Any]:
    return {**asdict(library), "state": library.state}
