"""The studies that ship with the package, one YAML file each; a new file appears by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossspace.configuration import read_yaml
from crossspace.errors import UsageError, suggestion

_FOLDER = Path(__file__).parent


def study_names() -> list[str]:
    """Names of all shipped studies."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def study_path(name: str) -> Path:
    """The file of a study: one of the shipped names, or the path of a YAML file.

    Raises:
        UsageError: there is neither.
    """
    shipped = _FOLDER / f"{name}.yaml"
    if name in study_names():
        return shipped
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    raise UsageError(
        f"There is no study {name!r}. {suggestion(name, study_names())} A study of your own is a YAML file."
    )


def read_study(name: str) -> dict[str, Any]:
    """The content of a study file."""
    return read_yaml(study_path(name), "a YAML file with a study")


def study_summary(name: str) -> str:
    """The first comment line of a study, which says what it is for."""
    first = (study_path(name).read_text(encoding="utf-8").splitlines() or [""])[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
