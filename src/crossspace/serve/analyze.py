"""``POST /v1/analyze``: a recording, a transcript, or both."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from crossspace.serve.lane import Progress
from crossspace.serve.recording import check_recording
from crossspace.serve.schemas import AnalysisAnswer, errors
from crossspace.serve.state import as_json, state_of, token_shown, work
from crossspace.serve.upload import FIELDS, receive_upload
from crossspace.serve.workspace import remove

router = APIRouter(prefix="/v1", tags=["conversations"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "description": "at least one of the two files",
                    "properties": {
                        "media": {"type": "string", "format": "binary", "description": "audio or video"},
                        "transcript": {"type": "string", "format": "binary", "description": "WebVTT, SRT, CSV or JSON"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/analyze",
    summary="Analyze a recording, a transcript, or both",
    responses={200: {"model": AnalysisAnswer}, **errors(400, 401, 403, 408, 413, 415, 422, 429, 501, 503, 504, 507)},
    openapi_extra=_BODY,
    dependencies=[Depends(token_shown)],
)
async def analyze(request: Request) -> Response:
    """The files are kept while they are worked on and then removed. What they are is decided by their content."""
    state = state_of(request)
    with state.recordings.place() as place:
        folder = state.workspace.folder()
        place.afterwards(lambda: remove(folder))
        upload = await receive_upload(request, folder, state.settings)
        media, transcript = upload.files.get("media"), upload.files.get("transcript")
        if media is not None:
            # Not in the queue: what cannot be served is told so at once.
            await run_sync(check_recording, media, state.settings.max_duration)
        names = {**state.names, str(folder): "", **{str(path): FIELDS[name] for name, path in upload.files.items()}}
        shown = upload.names.get("media") or upload.names.get("transcript") or "conversation"

        def job(progress: Progress) -> bytes:
            analysis = state.analyzer.analyze(media, transcript, name=shown, conversation_id=shown, progress=progress)
            return as_json(analysis.to_dict(), names)

        return Response(await work(request, place, job, names), media_type="application/json")
