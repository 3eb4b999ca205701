"""The JSON that goes in and out, as OpenAPI documents it."""

from __future__ import annotations

import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.conversation_json import LATEST, conversation_from_dict

Seconds = Field(
    default=None, ge=0, le=LATEST, allow_inf_nan=False, description="seconds from the beginning of the recording"
)
Share = dict[str, float]
Posted = TypeVar("Posted", bound=BaseModel)


def _without_extra(posted: Posted, answer: type[BaseModel]) -> Posted:
    """``posted`` without keys that only answers have, so that an answer can be posted again; others are refused."""
    extra = posted.__pydantic_extra__ or {}
    if unknown := [key for key in extra if key not in answer.model_fields]:
        known = ", ".join(type(posted).model_fields)
        raise ValueError(f"there is no key {unknown[0]!r}. Known are {known}.")
    extra.clear()
    return posted


class PostedUtterance(BaseModel):
    """What one person said in one go."""

    model_config = ConfigDict(coerce_numbers_to_str=True, extra="allow")

    id: str | None = Field(default=None, max_length=200)
    speaker: str | None = Field(default=None, max_length=200, description="'speaker' where it is not known")
    text: str | None = None
    start: float | None = Seconds
    end: float | None = Seconds
    features: dict[str, list[float] | None] | None = Field(
        default=None, description="by modality, from the extractors of the model; text is extracted where it lacks"
    )

    recognised: dict[Literal["text", "speaker"], float] | None = Field(
        default=None, description="from 0 to 1, how sure a recogniser was of what no person wrote"
    )

    @model_validator(mode="after")
    def _known(self) -> PostedUtterance:
        return _without_extra(self, UtteranceAnswer)

    @model_validator(mode="after")
    def _in_order(self) -> PostedUtterance:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"end should not be before start. Found {self.start} to {self.end}.")
        return self

    def utterance(self, default_id: str) -> Utterance:
        """The same as the library knows it."""
        item = {"id": default_id, **self.model_dump(exclude_none=True)}
        return conversation_from_dict({"utterances": [item]}, "the message").utterances[0]


class PostedConversation(BaseModel):
    """A conversation to predict on."""

    model_config = ConfigDict(
        coerce_numbers_to_str=True,
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "id": "kitchen",
                    "utterances": [
                        {"speaker": "ANN", "text": "You forgot the milk again!"},
                        {"speaker": "BEN", "text": "I'm so sorry. I'll go right away."},
                    ],
                }
            ]
        },
    )

    id: str = Field(default="conversation", max_length=200)
    # Far more than any server takes: of a hundred thousand faults each would be written down.
    utterances: list[PostedUtterance] = Field(min_length=1, max_length=100_000)

    @model_validator(mode="after")
    def _known(self) -> PostedConversation:
        return _without_extra(self, AnalysisAnswer)

    @classmethod
    def documented(cls) -> dict[str, Any]:
        """Its schema in one piece: OpenAPI keeps the parts of a schema in another place than pydantic does."""
        schema = cls.model_json_schema()
        del schema["$defs"]
        schema["properties"]["utterances"]["items"] = PostedUtterance.model_json_schema()
        return schema

    def conversation(self) -> Conversation:
        """The same as the library knows it."""
        return conversation_from_dict(self.model_dump(exclude_none=True))


class UtteranceAnswer(BaseModel):
    """One utterance as the model sees it."""

    model_config = ConfigDict(extra="forbid")

    id: str
    speaker: str
    start: float | None
    end: float | None
    text: str | None
    label: str = Field(description="the most probable emotion")
    confidence: float = Field(description="its probability")
    probabilities: Share
    unimodal: dict[str, Share] = Field(description="what each present modality alone would have said")
    contributions: Share = Field(description="how much each modality adds to the probability of the label (Shapley)")
    missing: dict[str, str] = Field(description="why modalities lack")
    recognised: Share = Field(
        default_factory=dict, description="how sure a recogniser is of text and speaker; empty where people wrote them"
    )
    corrected: str | None = Field(default=None, description="the emotion that a person put in place of the label")


class Arc(BaseModel):
    """How one speaker fared."""

    utterances: int
    seconds: float | None
    shares: Share = Field(description="mean probability of each label")


class Facts(BaseModel):
    """What is known beside the utterances; further keys of later releases are carried along."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    name: str

    @model_validator(mode="after")
    def _is_plain(self) -> Facts:
        # Nothing is known of further keys but that they are to be written as JSON again.
        json.dumps(self.model_extra, allow_nan=False)
        return self


class ModelFacts(Facts):
    """Which model it was."""

    kind: str
    modalities: list[str]
    causal: bool
    in_the_box: bool
    unsure_below: float | None = Field(default=None, ge=0, le=1, description="with less confidence the model is unsure")


class MediaFacts(Facts):
    """The recording."""

    duration: float | None
    audio: bool
    video: bool


class AnalysisAnswer(BaseModel):
    """One conversation as the model sees it."""

    model_config = ConfigDict(extra="forbid")

    format: int
    conversation_id: str
    labels: list[str]
    model: ModelFacts
    media: MediaFacts | None
    speakers: list[str]
    arcs: dict[str, Arc]
    utterances: list[UtteranceAnswer]
    notes: list[str] = Field(description="what was mended, left out or missing on the way")


class Queue(BaseModel):
    """How full a queue is."""

    inside: int
    limit: int


class Health(BaseModel):
    """Whether the server works."""

    status: str
    version: str
    model: str
    queue: dict[str, Queue]


class ModelAnswer(BaseModel):
    """The model that answers."""

    name: str
    kind: str
    labels: list[str]
    modalities: list[str]
    extractors: dict[str, dict[str, Any]]
    causal: bool = Field(description="whether it was trained to see past context only")
    in_the_box: bool = Field(description="whether it is the one shipped with crossspace")
    unsure_below: float | None = Field(description="with less confidence the model is unsure; null if not calibrated")
    transcribes: str | None = Field(description="what recognises the words of a recording without a transcript")
    card: str | None = Field(description="the model card, Markdown")
    limits: dict[str, float] = Field(description="of this server: bytes, seconds and counts")


class Problem(BaseModel):
    """What went wrong and what to do."""

    message: str


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: Problem


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of these error answers."""
    return {status: {"model": ErrorAnswer, "description": _MEANING[status]} for status in statuses}


_MEANING = {
    400: "the request is not what it says it is",
    401: "the token is missing or wrong",
    403: "the request comes from a page of another site",
    408: "the upload stalled",
    413: "too large, too long or too many; the message says which limit",
    415: "another type of content",
    422: "the content cannot be used; the message says why",
    429: "the queue is full; Retry-After says when to come again",
    501: "an optional library is not installed on the server",
    503: "the server ends",
    504: "it took too long",
    507: "no room on the disk of the server",
}
