"""The openSMILE feature sets of the INTERSPEECH challenges and their kin."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence

import numpy as np

from crossspace.errors import UsageError, suggestion
from crossspace.features.extractors.base import RATE, AudioExtractor, Missing
from crossspace.features.voice.usable import unusable
from crossspace.runtime import optional_import

_LARGEST = 1 - 2.0**-15
"""openSMILE reads 16-bit integers, and 1.0 would turn into the most negative of them."""


class OpenSmile(AudioExtractor):
    """Functionals of an openSMILE set, for research only: IS10 is the paper's 1,582 numbers.

    *Missing* is what is shorter than 100 ms or silent. All sets work from 80 ms on, so nothing is padded. The licence
    of openSMILE (audEERING) allows research and private use; a product needs one from its makers (Eyben et al. 2010,
    *openSMILE*; Schuller et al. 2010, *The INTERSPEECH 2010 paralinguistic challenge*).

    Args:
        set: ``IS09`` to ``IS13``, ``ComParE_2016``, ``eGeMAPSv02`` or another name of ``opensmile.FeatureSet``.

    Raises:
        UsageError: there is no such set.
        MissingExtraError: ``opensmile`` is not installed.
    """

    name = "opensmile"
    licence = "audEERING research licence: research and private use only"
    argument = "set"
    batch = 16

    def __init__(self, set: str = "IS10") -> None:
        library = optional_import("opensmile", "opensmile")
        known = library.FeatureSet.__members__
        if set not in known:
            raise UsageError(f"There is no openSMILE set {set!r}. {suggestion(set, known)}")
        self._smile = library.Smile(known[set], library.FeatureLevel.Functionals)
        self.width, self.version = int(self._smile.num_features), importlib.metadata.version("opensmile")
        self.parameters = {"set": set}

    @property
    def names(self) -> tuple[str, ...]:
        """What openSMILE calls each number."""
        return tuple(self._smile.feature_names)

    def extract(self, items: Sequence[np.ndarray]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per utterance."""
        return [self._one(np.asarray(samples, dtype=np.float32)) for samples in items]

    def _one(self, samples: np.ndarray) -> np.ndarray | Missing:
        if (reason := unusable(samples)) is not None:
            return reason
        vector = self._smile(np.clip(samples, -1, _LARGEST), RATE).reshape(-1).astype(np.float32)
        # Some functionals divide by what a short or even sound does not have.
        if not np.isfinite(vector).all():
            return Missing("openSMILE gave values that are not finite")
        return vector
