"""What every extractor is: it turns what was said, heard or seen in an utterance into one vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from crossspace.errors import UnsuitableError

if TYPE_CHECKING:
    from crossspace.data.conversation import Conversation
    from crossspace.features.text.graph import ExportableText

Material = TypeVar("Material")

RATE = 16_000
"""Samples per second of all audio that extractors see."""
SOUND = "sound 2"
"""How the samples come out of a recording: another way makes other features. 1 summed the channels, 2 averages them."""


@dataclass(frozen=True)
class Missing:
    """An utterance has nothing to extract; the modality is missing there, never a row of zeros.

    Attributes:
        reason: in a few words, as users read it in a corpus or on a page: "no face found", "shorter than 25 ms".
    """

    reason: str


Feature = np.ndarray | Missing
"""What an extractor makes of an utterance: a vector ``(D,)``, or why there is none."""


class Extractor(ABC, Generic[Material]):
    """Base of all extractors.

    A subclass is one file of ``crossspace/features/extractors``, derives from :class:`TextExtractor`,
    :class:`AudioExtractor` or :class:`VisualExtractor`, and takes typed keyword arguments that can be written as JSON.
    Its constructor checks them, loads what it needs (an optional library by
    :func:`~crossspace.runtime.optional_import`), and sets ``width``, ``version`` and ``parameters``.

    Attributes:
        name: how users call it, unique within its modality.
        modality: ``text``, ``audio`` or ``visual``.
        licence: of the model or method, as far as it limits what the features may be used for.
        argument: the keyword argument that ``NAME:VALUE`` fills, if there is one.
        cached: whether its vectors are kept between calls; not those that stand for something outside of them.
        reading: which revision of reading recordings its material comes from, if that ever changed.
        batch: how many utterances it likes to see at once.
        width: D, the number of features.
        version: what beside the parameters decides the numbers: the release of a method, or the digest of weights.
        parameters: the keyword arguments that build an equal extractor, a path shortened to its last part.
    """

    name: ClassVar[str]
    modality: ClassVar[str]
    licence: ClassVar[str]
    argument: ClassVar[str | None] = None
    cached: ClassVar[bool] = True
    reading: ClassVar[str] = ""
    batch: ClassVar[int] = 32

    width: int
    version: str
    parameters: Mapping[str, Any]

    @abstractmethod
    def extract(self, items: Sequence[Material]) -> list[np.ndarray | Missing]:
        """One finite float32 vector ``(D,)`` per item, or why there is none. The company of an item changes nothing."""

    def encoder_of(self, conversation: Conversation) -> tuple[str, bool] | None:
        """The fine-tuned encoder that reads a conversation, if one does, and whether it was trained on its labels."""
        return None

    @property
    def identity(self) -> dict[str, Any]:
        """``{"name", "version", "parameters"}``, as a corpus records it and a prediction checks it.

        The version names the revision of the reading too: ``"1, sound 2"``.
        """
        version = f"{self.version}, {self.reading}" if self.reading else self.version
        return {"name": self.name, "version": version, "parameters": dict(self.parameters)}


class TextExtractor(Extractor[Any]):
    """Sees the text of an utterance, never empty.

    Attributes:
        limit: tokens that it reads at most, where there is such a limit.
        earlier, later: turns of the conversation that it reads around an utterance. One that reads any sees a
            :class:`~crossspace.features.text.passages.Passage` in the place of a text.
    """

    modality = "text"
    limit: int | None = None
    earlier: int = 0
    later: int = 0

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return False

    def exportable(self) -> ExportableText:
        """What it is made of, where it can be written as ONNX.

        Raises:
            UnsuitableError: it cannot; the message is the reason, without a full stop.
        """
        raise UnsuitableError("it does not say of what network and tokenizer it is made")


class AudioExtractor(Extractor[np.ndarray]):
    """Sees ``(T,)`` float32 samples, mono, in [-1, 1], :data:`RATE` per second."""

    modality = "audio"
    reading = SOUND


class VisualExtractor(Extractor[Sequence[np.ndarray]]):
    """Sees the face of an utterance in its sampled frames: a list, possibly empty, of crops ``(S, S, 3)`` uint8 RGB."""

    modality = "visual"
    batch = 4


def named(identity: Mapping[str, Any], version: bool = True) -> str:
    """An identity as people read it: ``minilm sha256:2dfd (layer=3)``, or ``minilm (layer=3)``."""
    parameters = ", ".join(f"{key}={value}" for key, value in dict(identity.get("parameters") or {}).items())
    words = [
        identity.get("name"),
        identity.get("version") if version else None,
        f"({parameters})" if parameters else None,
    ]
    return " ".join(str(word) for word in words if word)
