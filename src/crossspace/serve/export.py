"""``POST /v1/export``: an analysis, with what people corrected in it, as a file."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from crossspace.serve.answers import Format, as_file, files
from crossspace.serve.exporting import render_posted
from crossspace.serve.schemas import errors
from crossspace.serve.state import look, state_of, token_shown
from crossspace.serve.upload import read_body

router = APIRouter(prefix="/v1", tags=["conversations"])

_ANALYSIS = {
    "type": "object",
    "description": "an AnalysisAnswer, as /v1/analyze gives it; speakers may be renamed and labels have `corrected`",
}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": _ANALYSIS}}}}


@router.post(
    "/export",
    summary="An analysis, corrected or not, as a file",
    response_class=Response,
    responses={**files(), **errors(400, 401, 403, 408, 413, 415, 422, 429, 503, 504)},
    openapi_extra=_BODY,
    dependencies=[Depends(token_shown)],
)
async def export(request: Request, format: Format = "json", labels: bool = False) -> Response:
    """Nothing is predicted anew. Corrected labels stand beside the model's where the format has room for both, and in
    place of them where it has not.

    With `labels`, captions (`vtt`, `srt`) show emotion and confidence behind the words.
    """
    state = state_of(request)
    state.looks.check_room()
    until = time.monotonic() + state.settings.timeout
    body = await read_body(request, state, until)
    return as_file(await look(request, until, render_posted, body, format, labels, state.settings), format)
