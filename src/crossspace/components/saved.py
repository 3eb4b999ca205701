"""The class of a saved model, which states where its code came from and never causes that code to be imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from crossspace.components.origin import checked, option, warn_if_other
from crossspace.components.registry import Components, origin_of
from crossspace.errors import DataError, UsageError, suggestion

Component = TypeVar("Component")


def class_of(config: Mapping[str, Any], known: Components[Component], path: Path) -> type[Component]:
    """The class that the description of a saved model names.

    Args:
        config: the description; ``model`` is the name, ``source`` says where it came from if not out of the box.
        known: the models.
        path: of the description.

    Raises:
        UsageError: it came from outside and is not imported; the message says what to import.
        DataError: there is no model of this name.
    """
    name, here = str(config["model"]), known.here
    if name in here:
        return here[name]
    if "source" in config:
        raise UsageError(_absent(name, checked(config["source"]), path))
    raise DataError(
        f"{path}: there is no model {name!r}. {suggestion(name, here)} If it is one of your own, name its file or "
        "module by --import."
    )


def check_version(config: Mapping[str, Any], component: type) -> None:
    """Warn when the class is imported in another version than the model was saved with."""
    origin = origin_of(component)
    if "source" in config and origin is not None:
        warn_if_other(checked(config["source"]), origin, "The saved model")


def _absent(name: str, said: Mapping[str, str], path: Path) -> str:
    if said["module"] in ("__main__", "__mp_main__"):
        return (
            f"{path}: the model {name!r} was defined in a script or notebook. Define it again and call "
            "crossspace.components.register with it; or put it into a file and name that by --import."
        )
    home = said.get("file") or said["module"]
    of = f" of {said['distribution']} {said.get('version', '')}".rstrip() if said.get("distribution") else ""
    place = " with the path to it" if "file" in said else ""
    return (
        f"{path}: the model {name!r} was defined outside of crossspace, in {home}{of}, and a saved model imports "
        f"nothing by itself. If you trust that code, add {option(said)}{place}; in Python, call "
        f"crossspace.components.load({home!r}) before."
    )
