"""What a kind of transcript is known by, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crossspace.transcripts.sounds import Described
from crossspace.transcripts.transcript import Transcript


@dataclass(frozen=True)
class Format:
    """A kind of transcript.

    Attributes:
        name: how notes and messages call it, such as ``WebVTT``.
        sign: whether a text is such a file, by what stands in it and nothing else; in time linear in the text.
        parse: the transcript of a text with that sign; the second argument is how messages call the file.
        endings: of names of such files, in lower case with the dot: where no sign is found, whose rules a file is held
            to, so that a refusal says what is missing.
        sounds: where its texts describe sounds beside words.
    """

    name: str
    sign: Callable[[str], bool]
    parse: Callable[[str, str], Transcript]
    endings: tuple[str, ...] = ()
    sounds: Described = "in square brackets"
