"""Recipes: complete configurations that ship with the package, one YAML file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from crossspace.errors import UsageError, suggestion

_FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """Names of all recipes."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def recipe_path(name: str) -> Path:
    """The file of a recipe.

    Raises:
        UsageError: there is no such recipe.
    """
    path = _FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise UsageError(f"There is no recipe {name!r}. {suggestion(name, recipe_names())}")
    return path


def read_recipe(name: str) -> dict[str, Any]:
    """The content of a recipe as nested dictionaries."""
    return yaml.safe_load(recipe_path(name).read_text(encoding="utf-8"))


def recipe_summary(name: str) -> str:
    """The first comment line of a recipe, which says what it is for."""
    first = recipe_path(name).read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip()
