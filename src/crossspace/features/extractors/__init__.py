"""The extractors, one file each, found by looking."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from crossspace.components import Components, discover
from crossspace.components.spelled import built
from crossspace.components.spelled import named as named_component
from crossspace.errors import DataError, MismatchError, UsageError
from crossspace.features.extractors.base import (
    AudioExtractor,
    Extractor,
    Missing,
    TextExtractor,
    VisualExtractor,
    named,
)

__all__ = ["DEFAULTS", "Extractor", "Missing", "build", "extractors", "from_identity"]

DEFAULTS = {"text": "minilm", "audio": "prosody", "visual": "face-hog"}
"""The extractor that needs no download and no licence of its own, by modality."""


def _of(kind: type[Extractor]) -> Components[Extractor]:
    return Components(f"{kind.modality} extractor", kind, lambda: discover(__name__, __path__, kind))


_EXTRACTORS = {kind.modality: _of(kind) for kind in (TextExtractor, AudioExtractor, VisualExtractor)}


def extractors() -> dict[str, Components[Extractor]]:
    """``{modality: {name: class}}`` of all extractors."""
    return _EXTRACTORS


def build(modality: str, wanted: str) -> Extractor:
    """The extractor that ``NAME``, ``NAME:VALUE`` or ``NAME:VALUE,key=value`` asks for.

    Raises:
        UsageError: there is none of this name, or it takes no such argument, or one is not given.
        MissingExtraError: a library that it needs is not installed.
        DataError: a model that it needs cannot be loaded.
    """
    return built(extractors()[modality], wanted)


def from_identity(modality: str, identity: Mapping[str, Any], wanted: str | None = None) -> Extractor:
    """The extractor that a corpus or a model records, giving the very numbers that it gave then.

    Args:
        modality: of the features.
        identity: as recorded.
        wanted: how it is to be built, as for :func:`build`, where what is recorded does not say where its files are.

    Raises:
        UsageError, MissingExtraError, DataError: as :func:`build`.
        MismatchError: here it is another one, another version, or has other parameters.
    """
    built = _recorded(modality, identity) if wanted is None else build(modality, wanted)
    # All of it, the version included: features of another release would be accepted and be other numbers.
    if built.identity != dict(identity):
        raise MismatchError(
            f"The {modality} features were made by {named(identity)}. Here it is {named(built.identity)}, whose "
            f"numbers may differ. Install what made them, name the right model by --{modality}, or extract them anew."
        )
    return built


def _recorded(modality: str, identity: Mapping[str, Any]) -> Extractor:
    name = str(identity.get("name"))
    if name == "synthetic":
        raise UsageError(
            f"The {modality} features were generated, as 'crossspace data synthesize' does, so they cannot be made of "
            "anything else. Give the model a corpus of such features ('crossspace predict')."
        )
    if name not in extractors()[modality].here:  # a file that states a name imports nothing by itself
        raise UsageError(
            f"The {modality} features were made by {named(identity)}, which is none of crossspace. If it is your own, "
            "name its file or module by --import."
        )
    kind = named_component(extractors()[modality], name)
    if not kind.cached:  # it writes files, where a file that states it says
        raise UsageError(
            f"The {modality} features were made by {named(identity)}: they are addresses of files, and no model reads "
            "them."
        )
    recorded = dict(identity.get("parameters") or {})
    known = inspect.signature(kind).parameters
    arguments = {key: value for key, value in recorded.items() if key in known}
    if kind.argument and kind.argument not in arguments and known[kind.argument].default is inspect.Parameter.empty:
        raise DataError(
            f"The {modality} extractor {kind.name!r} should be recorded with {kind.argument!r}. Found {identity}."
        )
    try:
        return kind(**arguments)
    except DataError as error:
        if kind.argument is None:
            raise
        raise DataError(
            f"The {modality} features were made by {kind.name} with {recorded}; of a path only the end is recorded. "
            f"Say where it is by --{modality} {kind.name}:PATH. {error}"
        ) from error
