"""``POST /v1/predict``: a conversation as JSON."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from crossspace.serve.answers import Format, answer_with, documented
from crossspace.serve.lane import Progress
from crossspace.serve.look import look_at_conversation
from crossspace.serve.schemas import AnalysisAnswer, PostedConversation, errors
from crossspace.serve.state import look, state_of, token_shown, work
from crossspace.serve.upload import read_body

HANDY = 32_000
"""Bytes of a body that is read here, within milliseconds; a larger one goes to the worker, which can be ended."""

router = APIRouter(prefix="/v1", tags=["conversations"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": PostedConversation.documented()}},
    }
}


@router.post(
    "/predict",
    summary="Predict on a conversation: text alone, or with features",
    responses={**documented(AnalysisAnswer), **errors(400, 401, 403, 408, 413, 415, 422, 429, 503, 504)},
    openapi_extra=_BODY,
    dependencies=[Depends(token_shown)],
)
async def predict(request: Request, format: Format = "json", labels: bool = False) -> Response:
    """Every utterance is judged in the context of the whole conversation.

    With `labels`, captions (`vtt`, `srt`) show emotion and confidence behind the words.
    """
    state = state_of(request)
    state.conversations.check_room()
    until = time.monotonic() + state.settings.timeout
    body = await read_body(request, state, until)
    with state.conversations.place() as place:
        known = await look(request, until, look_at_conversation, body, state.settings) if len(body) > HANDY else None

        def job(progress: Progress) -> Response:
            conversation = known or look_at_conversation(body, state.settings)
            analysis = state.analyzer.analyze_conversation(conversation)
            return answer_with(analysis, format, state.names, labels)

        return await work(request, place, job, until)
