"""What is said of a transcript before it is analyzed, and of a request while it is, as OpenAPI documents it."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Speaker(BaseModel):
    """Who speaks in a transcript, and how much."""

    name: str
    utterances: int
    seconds: float | None


class CueAnswer(BaseModel):
    """An entry of a transcript."""

    speaker: str
    start: float | None
    end: float | None
    text: str | None


class TranscriptAnswer(BaseModel):
    """What a transcript was understood as."""

    format: str = Field(description="such as WebVTT")
    utterances: int
    timed: int = Field(description="how many of them have times")
    start: float | None = Field(description="of the first, seconds")
    end: float | None = Field(description="of the last, seconds")
    speaker_count: int
    speakers: list[Speaker] = Field(description="who speaks most, at most twenty")
    first: list[CueAnswer] = Field(description="the first utterances, at most twelve")
    sound_count: int
    sounds: list[CueAnswer] = Field(description="sounds and songs apart from speech, the first twelve")
    notes: list[str] = Field(description="what was inferred, mended or left out")


class Stage(BaseModel):
    """How far a request is."""

    stage: str | None = Field(
        description="arriving, looking, waiting, then what is worked on (speech, audio, visual, text, model); "
        "null where there is no such request"
    )
    done: int | None = Field(default=None, description="items of this stage that are done")
    of: int | None = Field(default=None, description="items that it has")
