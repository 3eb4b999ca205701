"""The speaker encoders, one file each, found by looking."""

from __future__ import annotations

from crossspace.components import Components, discover
from crossspace.components.spelled import built
from crossspace.features.speech.speaker_encoders.base import SpeakerEncoder

__all__ = ["DEFAULT", "SPEAKER_ENCODERS", "SpeakerEncoder", "speaker_encoder"]

DEFAULT = "ge2e"
"""Where none is named."""

SPEAKER_ENCODERS: Components[SpeakerEncoder] = Components(
    "speaker encoder",
    SpeakerEncoder,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, SpeakerEncoder),  # type: ignore[type-abstract]
)


def speaker_encoder(wanted: str) -> SpeakerEncoder:
    """The speaker encoder that ``NAME``, ``NAME:VALUE`` or ``NAME:VALUE,key=value`` asks for.

    Raises:
        UsageError: there is none of this name, or it takes no such argument, or one is not given.
        DataError: its model cannot be loaded.
    """
    return built(SPEAKER_ENCODERS, wanted)
