"""``GET /v1/health`` and ``GET /v1/model``."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from crossspace import __version__
from crossspace.serve.schemas import Health, ModelAnswer, Queue, errors
from crossspace.serve.state import State, state_of, token_shown

router = APIRouter(prefix="/v1", tags=["about"])

_LIMITS = (
    "max_media", "max_transcript", "max_conversation", "max_duration", "max_utterances", "max_characters", "max_queue",
    "timeout", "max_message", "live_rate", "live_idle",
)  # fmt: skip


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Whether the server works, and how full its queues are", response_model=Health)
async def health(request: Request) -> Health:
    """Needs no token, and answers while the server is busy."""
    state = state_of(request)
    queue = {
        "recordings": Queue(inside=state.recordings.inside, limit=state.recordings.limit),
        "conversations": Queue(inside=state.conversations.inside, limit=state.conversations.limit),
        "live": Queue(inside=state.connections, limit=state.settings.max_live),
    }
    return Health(status="ok", version=__version__, model=state.analyzer.name, queue=queue)


@router.get(
    "/model",
    summary="The model that answers: what it knows, what it sees, its card",
    response_model=ModelAnswer,
    responses=errors(401),
    dependencies=[Depends(token_shown)],
)
async def model(request: Request) -> ModelAnswer:
    """Also the limits of this server."""
    return describe(state_of(request))


def describe(state: State) -> ModelAnswer:
    """The model of a server."""
    analyzer, predictor = state.analyzer, state.analyzer.predictor
    return ModelAnswer(
        name=state.analyzer.name,
        kind=predictor.kind,
        labels=list(predictor.task.labels),
        modalities=list(predictor.task.modalities),
        extractors={modality: extractor.identity for modality, extractor in analyzer.extractors.items()},
        causal=analyzer.causal,
        in_the_box=analyzer.in_the_box,
        unsure_below=analyzer.unsure_below,
        transcribes=None if state.transcribing is None else state.transcribing.name,
        card=analyzer.card,
        limits={name: getattr(state.settings, name) for name in _LIMITS},
    )
