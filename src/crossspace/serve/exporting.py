"""An analysis that somebody edited, as a file: checked and written by a worker."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.exports import render
from crossspace.data.conversation_json import LATEST
from crossspace.serve.limits import check_amount
from crossspace.serve.look import check_values, parse
from crossspace.serve.schemas import AnalysisAnswer, MediaFacts, ModelFacts, UtteranceAnswer
from crossspace.serve.settings import Settings
from crossspace.serve.worker import Said

_MOST_LABELS = 1000
_MOST_MODALITIES = 20


class PostedModel(ModelFacts):
    """Which model it was: what is named of it stands on every page."""

    name: str = Field(max_length=200)
    modalities: list[Annotated[str, Field(max_length=100)]] = Field(max_length=_MOST_MODALITIES)


class PostedMedia(MediaFacts):
    """The recording, whose length is one that a recording can have."""

    duration: float | None = Field(ge=0, le=LATEST)


class PostedAnalysis(AnalysisAnswer):
    """An analysis as this server gives it; arcs and speakers are made anew from its utterances."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    conversation_id: str = Field(max_length=200)
    model: PostedModel
    media: PostedMedia | None
    labels: list[str] = Field(min_length=1, max_length=_MOST_LABELS)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> PostedAnalysis:
        labels = set(self.labels)
        if len(labels) < len(self.labels):
            raise ValueError("labels should be all different.")
        for place, one in enumerate(self.utterances):
            if fault := _fault(one, labels):
                raise ValueError(f"utterances.{place}: {fault}")
        return self


def _fault(one: UtteranceAnswer, labels: set[str]) -> str | None:
    if unknown := {one.label, one.corrected} - labels - {None}:
        return f"there is no label {sorted(map(str, unknown))[0]!r}."
    if set(one.probabilities) != labels:
        return "it should have a probability for each of the labels."
    if not {label for shares in one.unimodal.values() for label in shares} <= labels:
        return "a modality has a probability of something that is no label."
    known = (one.probabilities, *one.unimodal.values(), one.recognised)
    if not _are_shares([one.confidence], *(shares.values() for shares in known)):
        return "probabilities should lie between 0 and 1."
    if not all(map(math.isfinite, one.contributions.values())):
        return "contributions should be numbers."
    if one.start is not None and one.end is not None and one.end < one.start:
        return f"end should not be before start. Found {one.start} to {one.end}."
    if any(t is not None and not 0 <= t <= LATEST for t in (one.start, one.end)):
        return f"times should be from 0 to {LATEST:g} seconds."
    return None


def _are_shares(*values: Iterable[float]) -> bool:
    return all(0 <= value <= 1 for one in values for value in one)


def render_posted(body: bytes, format: str, labels: bool, settings: Settings, said: Said = lambda stage: None) -> bytes:
    """The file of a posted analysis.

    Args:
        body: JSON.
        format: the ending of the file.
        labels: in captions, write emotion and confidence behind the words.
        settings: limits.
        said: told nothing.

    Raises:
        CrossspaceError: it is no analysis, it is too much, or the format needs times that it lacks.
    """
    check_values(body, "An analysis")
    posted: PostedAnalysis = parse(PostedAnalysis, body)
    check_amount([u.text for u in posted.utterances], settings)
    content: Mapping[str, object] = posted.model_dump(exclude_unset=True)
    return render(Analysis.from_dict(content), f"analysis.{format}", labels)
