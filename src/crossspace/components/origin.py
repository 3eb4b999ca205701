"""Where a class from outside of the package came from: what saved models and configurations record of it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shlex
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossspace.digests import file_digest
from crossspace.errors import CrossspaceWarning

_FILE = re.compile(r"[^/\\\x00-\x1f\x7f]+\.py")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_SHOWN = 12
"""Digits of a digest that tell two versions apart."""


@dataclass(frozen=True)
class Origin:
    """A module that the user named.

    Attributes:
        module: the name it is imported by.
        file: where its text lies, if it has one.
        digest: SHA-256 of that text.
        named_by: ``file`` when the user named the file, else ``module``.
        distribution, version: the installed package it belongs to, where that is known.
    """

    module: str
    file: Path | None = None
    digest: str = ""
    named_by: str = "module"
    distribution: str = ""
    version: str = ""

    @classmethod
    def of_module(cls, name: str, distribution: str = "", version: str = "") -> Origin:
        """Of a module that is imported already."""
        stated = getattr(sys.modules.get(name), "__file__", None)
        file = Path(stated).resolve() if stated and Path(stated).is_file() else None
        if not distribution and file is not None and {"site-packages", "dist-packages"} & set(file.parts):
            distribution = next(iter(importlib.metadata.packages_distributions().get(name.partition(".")[0], ())), "")
        if distribution and not version:
            version = importlib.metadata.version(distribution)
        return cls(name, file, file_digest(file) if file else "", "module", distribution, version)

    @classmethod
    def of_file(cls, path: Path, content: bytes) -> Origin:
        """Of a file, under a name that is the same in every process and no other file has."""
        stem = re.sub(r"\W", "_", path.stem)
        where = hashlib.sha256(os.fsencode(path)).hexdigest()[:_SHOWN]
        return cls(f"outside_{stem}_{where}", path, hashlib.sha256(content).hexdigest(), "file")

    @property
    def stem(self) -> str:
        """The last part of its name."""
        return self.file.stem if self.named_by == "file" and self.file else self.module.rpartition(".")[2]

    def __str__(self) -> str:
        if self.named_by == "file":
            return str(self.file)
        return f"{self.module} of {self.distribution} {self.version}" if self.distribution else self.module

    def to_dict(self) -> dict[str, str]:
        """What a saved model says of it: nothing that depends on where the file lies."""
        if self.named_by == "file":
            return {"module": self.stem, "file": f"{self.stem}.py", "sha256": self.digest}
        said = {"module": self.module, "sha256": self.digest}
        return {**said, **({"distribution": self.distribution, "version": self.version} if self.distribution else {})}

    def recorded(self, folder: Path) -> dict[str, str]:
        """What a configuration in ``folder`` says of it: how it can be named again, a file as seen from the folder."""
        if self.named_by != "file" or self.file is None:
            return {key: value for key, value in self.to_dict().items() if value}
        try:
            way = Path(os.path.relpath(self.file, folder.resolve())).as_posix()
        except ValueError:  # on another drive of Windows
            way = str(self.file)
        return {"file": way, "sha256": self.digest}

    def answers(self, said: Mapping[str, str]) -> bool:
        """Whether this is what a record speaks of, in this version or another."""
        if "file" in said:
            return self.digest == said.get("sha256") or self.stem == Path(said["file"]).stem
        return self.module == said.get("module")


def checked(said: Any) -> dict[str, str]:
    """What a saved model says of where its class came from.

    Raises:
        ValueError: it says nothing that can be understood.
    """
    texts = isinstance(said, Mapping) and all(isinstance(v, str) and v.isprintable() for v in said.values())
    if not texts or not _MODULE.fullmatch(said.get("module", "")) or not _FILE.fullmatch(said.get("file", "x.py")):
        raise ValueError("a source that names no module")
    return dict(said)


def option(said: Mapping[str, str], folder: Path | None = None) -> str:
    """The option that names it, such as ``--import models/mine.py``, as it is typed here.

    Args:
        said: of a saved model or a configuration.
        folder: from which a file is seen.
    """
    if "file" not in said:
        return f"--import {said['module']}"
    path = Path(said["file"])
    if folder is not None and (folder / path).is_file():
        path = (folder / path).resolve()
        path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"--import {shlex.quote(str(path))}"


def warn_if_other(said: Mapping[str, str], origin: Origin, what: str) -> None:
    """Warn when ``what`` was made with another version of the code than is imported now."""
    if said.get("sha256") and origin.digest and said["sha256"] != origin.digest:
        warnings.warn(
            f"{what} was made with another version of {Path(said.get('file', said.get('module', ''))).name} "
            f"(sha256 {said['sha256'][:_SHOWN]}) than the one that was imported, {origin} "
            f"({origin.digest[:_SHOWN]}). What it computes may differ.",
            CrossspaceWarning,
            stacklevel=2,
        )


def recorded(origins: Sequence[Origin], folder: Path) -> dict[str, list[dict[str, str]]]:
    """The entry ``imports`` of a configuration in ``folder``; nothing where nothing came from outside."""
    said = [origin.recorded(folder) for origin in origins]
    return {"imports": said} if said else {}


def readable(said: Any) -> list[dict[str, str]]:
    """The entry ``imports`` of a configuration as far as it can be understood."""
    entries = said if isinstance(said, list) else []
    return [
        entry
        for entry in entries
        if isinstance(entry, dict)
        and all(isinstance(value, str) and value.isprintable() for value in entry.values())
        and (entry.get("file") or _MODULE.fullmatch(entry.get("module", "")))
    ]
