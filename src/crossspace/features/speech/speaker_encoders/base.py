"""What every speaker encoder is: it turns a short piece of speech into a vector that tells voices apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np


class SpeakerEncoder(ABC):
    """Base of all speaker encoders; how one is written is as with recognisers.

    Attributes:
        name: how users call it.
        licence: of the model or method.
        argument: the keyword argument that ``NAME:VALUE`` fills, if there is one.
        same_voice: cosine of the vectors of two groups of windows, on average, from which they are taken for one voice.
        sharpness: how much one more in cosine says for a speaker, in the logarithm of the odds; measured on
            conversations whose speakers are known, it makes a confidence of a difference of cosines.
        width: D, the length of a vector.
        version: what beside the parameters decides the numbers.
        parameters: the keyword arguments that build an equal encoder, a path shortened to its last part.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    argument: ClassVar[str | None] = None
    same_voice: ClassVar[float]
    sharpness: ClassVar[float]

    width: int
    version: str
    parameters: Mapping[str, Any]

    @abstractmethod
    def encode(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        """``(N, D)`` float32 rows of length 1, one for each window ``(T,)`` of samples, 16,000 per second.

        The company of a window changes nothing.
        """

    @property
    def identity(self) -> dict[str, Any]:
        """``{"name", "version", "parameters"}``, by which vectors are kept and told."""
        return {"name": self.name, "version": self.version, "parameters": dict(self.parameters)}
