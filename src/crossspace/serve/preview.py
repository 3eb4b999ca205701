"""``POST /v1/transcript``: what a transcript is understood as, before anything is done with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from crossspace.serve.answers import as_json
from crossspace.serve.look import TRANSCRIPT, summary_of_transcript
from crossspace.serve.preview_schemas import TranscriptAnswer
from crossspace.serve.schemas import errors
from crossspace.serve.state import look, state_of, token_shown
from crossspace.serve.upload import receive_upload
from crossspace.serve.workspace import remove

router = APIRouter(prefix="/v1", tags=["conversations"])

_FILE = {"type": "string", "format": "binary", "description": "of any format that /v1/analyze takes"}
_FORM = {"type": "object", "required": ["transcript"], "properties": {"transcript": _FILE}}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
}


@router.post(
    "/transcript",
    summary="What a transcript is understood as, before it is analyzed",
    response_model=TranscriptAnswer,
    responses=errors(400, 401, 403, 408, 413, 415, 422, 429, 503, 504, 507),
    openapi_extra=_BODY,
    dependencies=[Depends(token_shown)],
)
async def transcript(request: Request) -> Response:
    """Its format, who speaks how much, its times and first utterances, and what was inferred or left out.

    It takes no place in the queue of those that are analyzed; the file is removed at once.
    """
    state = state_of(request)
    state.looks.check_room()
    until = time.monotonic() + state.settings.timeout
    folder: Path = state.workspace.folder()
    try:
        upload = await receive_upload(request, folder, state, until, ("transcript",))
        path = upload.files["transcript"]
        found = await look(request, until, summary_of_transcript, path, state.settings)
    finally:
        remove(folder)
    return Response(as_json(found, {str(path): TRANSCRIPT}), media_type="application/json")
