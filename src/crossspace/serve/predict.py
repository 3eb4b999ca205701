"""``POST /v1/predict``: a conversation as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from crossspace.serve.answers import Format, answer_with, documented
from crossspace.serve.lane import Progress
from crossspace.serve.limits import check_amount
from crossspace.serve.refusal import Refusal
from crossspace.serve.schemas import AnalysisAnswer, PostedConversation, errors
from crossspace.serve.state import state_of, token_shown, work
from crossspace.serve.upload import read_body

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
async def predict(request: Request, format: Format = "json") -> Response:
    """Every utterance is judged in the context of the whole conversation."""
    state = state_of(request)
    with state.conversations.place() as place:
        body = await read_body(request, state.settings.max_conversation, state.settings)

        def job(progress: Progress) -> Response:
            posted = parse(PostedConversation, body)
            check_amount([u.text for u in posted.utterances], state.settings)
            analysis = state.analyzer.analyze_conversation(posted.conversation())
            return answer_with(analysis, format, state.names)

        return await work(request, place, job)


def parse(kind: Any, content: bytes | str) -> Any:
    """``content`` as a model of pydantic.

    Raises:
        Refusal: 400, it is no JSON; 422, it is JSON of another kind; the first ten faults are named.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        status = 400 if faults[0]["type"] == "json_invalid" else 422
        named = [f"{'.'.join(map(str, f['loc']))}: {f['msg']}" if f["loc"] else f["msg"] for f in faults[:10]]
        more = [f"and {len(faults) - 10} more"] if len(faults) > 10 else []
        raise Refusal(status, "; ".join(named + more)) from error
