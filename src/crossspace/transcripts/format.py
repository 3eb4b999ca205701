"""What a kind of transcript is known by, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from crossspace.transcripts.sounds import Described
from crossspace.transcripts.transcript import Transcript

Length: TypeAlias = Callable[[], float]
"""Seconds of the recording that a transcript is of; asked for only where times do not say what they count."""


@dataclass(frozen=True)
class Format:
    """A kind of transcript.

    Attributes:
        name: how notes and messages call it, such as ``WebVTT``.
        sign: whether a text is such a file, by what stands in it and nothing else; in time linear in the text.
        parse: the transcript of a text with that sign; the second argument is how messages call the file, the third
            :data:`Length` or none where the format is ``measured``.
        endings: of names of such files, in lower case with the dot: where no sign is found, whose rules a file is held
            to, so that a refusal says what is missing.
        sounds: where its texts describe sounds beside words.
        measured: whether the length of the recording may say what its times count.
    """

    name: str
    sign: Callable[[str], bool]
    parse: Callable[..., Transcript]
    endings: tuple[str, ...] = ()
    sounds: Described = "in square brackets"
    measured: bool = False

    def read(self, text: str, name: str, length: Length | None = None) -> Transcript:
        """The transcript of a text with the sign."""
        return self.parse(text, name, length) if self.measured else self.parse(text, name)
