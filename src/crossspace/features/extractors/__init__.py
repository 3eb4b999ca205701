"""The extractors, one file each, found by looking."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from crossspace.components import discover
from crossspace.errors import UsageError, suggestion
from crossspace.features.extractors.base import Extractor, Missing

__all__ = ["DEFAULTS", "Extractor", "Missing", "build", "extractors", "from_identity"]

DEFAULTS = {"text": "minilm", "audio": "prosody", "visual": "face-hog"}
"""The extractor that needs no download and no licence of its own, by modality."""


@cache
def extractors() -> dict[str, dict[str, type[Extractor]]]:
    """``{modality: {name: class}}`` of all extractors."""
    base = importlib.import_module(f"{__name__}.base")
    found: dict[str, dict[str, type[Extractor]]] = {}
    for modality, kind in (
        ("text", base.TextExtractor),
        ("audio", base.AudioExtractor),
        ("visual", base.VisualExtractor),
    ):
        found[modality] = discover(__name__, __path__, kind)
    return found


def build(modality: str, wanted: str) -> Extractor:
    """The extractor that ``NAME``, ``NAME:VALUE`` or ``NAME:VALUE,key=value`` asks for.

    Raises:
        UsageError: there is none of this name, or it takes no such argument.
        MissingExtraError: a library that it needs is not installed.
        DataError: a model that it needs cannot be loaded.
    """
    head, *options = wanted.split(",")
    name, colon, value = head.partition(":")
    kind = _kind(modality, name)
    arguments: dict[str, str] = {}
    if colon:
        if kind.argument is None:
            raise UsageError(f"The {modality} extractor {name!r} takes nothing after a colon. Found {value!r}.")
        arguments[kind.argument] = value
    for option in options:
        key, equals, text = option.partition("=")
        if not equals:
            raise UsageError(f"Options of an extractor are written key=value. Found {option!r} in {wanted!r}.")
        arguments[key.strip()] = text.strip()
    return kind(**_typed(kind, arguments))


def from_identity(modality: str, identity: Mapping[str, Any]) -> Extractor:
    """The extractor that a corpus or a model records.

    Raises:
        UsageError, MissingExtraError, DataError: as :func:`build`.
    """
    kind = _kind(modality, str(identity["name"]))
    known = inspect.signature(kind).parameters
    return kind(**{key: value for key, value in dict(identity.get("parameters") or {}).items() if key in known})


def _kind(modality: str, name: str) -> type[Extractor]:
    known = extractors()[modality]
    if name not in known:
        raise UsageError(f"There is no {modality} extractor {name!r}. {suggestion(name, known)}")
    return known[name]


def _typed(kind: type[Extractor], arguments: Mapping[str, str]) -> dict[str, Any]:
    parameters = inspect.signature(kind).parameters
    typed: dict[str, Any] = {}
    for key, text in arguments.items():
        if key not in parameters:
            raise UsageError(
                f"The {kind.modality} extractor {kind.name!r} has no option {key!r}. {suggestion(key, parameters)}"
            )
        annotation = str(parameters[key].annotation)
        try:
            typed[key] = float(text) if "float" in annotation else int(text) if "int" in annotation else text
        except ValueError as error:
            raise UsageError(f"Option {key!r} of {kind.name!r} should be a number. Found {text!r}.") from error
    return typed
