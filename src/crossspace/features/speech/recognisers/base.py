"""What every recogniser is: it turns a stretch of sound into words with times and confidence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

LONGEST = 30.0
"""Seconds of sound that a recogniser is given at most."""


@dataclass(frozen=True)
class HeardWord:
    """A word as a recogniser hears it.

    Attributes:
        text: with its signs, and with a space in front where one stands before it.
        start, end: seconds from the beginning of what the recogniser was given.
        confidence: from 0 to 1, how sure the recogniser is.
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Doubt:
    """What a recogniser heard and does not believe itself: it is left out, and told.

    Attributes:
        start, end: seconds from the beginning of what the recogniser was given.
        reason: in a few words, such as ``the same words again and again``.
    """

    start: float
    end: float
    reason: str


@dataclass(frozen=True)
class Heard:
    """What a recogniser makes of a stretch of sound; silence has neither words nor doubts."""

    words: tuple[HeardWord, ...] = ()
    doubts: tuple[Doubt, ...] = ()


class Recogniser(ABC):
    """Base of all recognisers.

    A subclass is one file of ``crossspace/features/speech/recognisers`` and takes typed keyword arguments that can be
    written as JSON. Its constructor checks them, loads what it needs (an optional library by
    :func:`~crossspace.runtime.optional_import`), and sets ``version`` and ``parameters``.

    Attributes:
        name: how users call it.
        licence: of the method, as far as it limits what the words may be used for.
        argument: the keyword argument that ``NAME:VALUE`` fills, if there is one.
        version: what beside the parameters decides the words: the release of a method, the digest of weights.
        parameters: the keyword arguments that build an equal recogniser, a path shortened to its last part.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    argument: ClassVar[str | None] = None

    version: str
    parameters: Mapping[str, Any]

    @abstractmethod
    def recognise(self, samples: np.ndarray, language: str | None = None) -> Heard:
        """The words in ``samples`` ``(T,)``, mono float32 in [-1, 1], 16,000 per second, at most :data:`LONGEST`.

        The same samples give the same words, whatever was heard before.

        Args:
            samples: the sound.
            language: what :meth:`language_of` said of the recording.
        """

    def language_of(self, samples: np.ndarray) -> str | None:
        """The language of a recording, from its first speech; ``None`` where the recogniser need not be told.

        Asked once per recording, so that no stretch of it is taken for another language than the rest.
        """
        return None

    @property
    def identity(self) -> dict[str, Any]:
        """``{"name", "version", "parameters"}``, by which words are kept and told."""
        return {"name": self.name, "version": self.version, "parameters": dict(self.parameters)}
