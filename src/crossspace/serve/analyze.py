"""``POST /v1/analyze``: a recording, a transcript, or both."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from crossspace.features.transcripts import Transcript, read_transcript
from crossspace.serve.answers import Format, answer_with, documented
from crossspace.serve.lane import Progress
from crossspace.serve.limits import check_amount
from crossspace.serve.recording import check_recording
from crossspace.serve.schemas import AnalysisAnswer, errors
from crossspace.serve.settings import Settings
from crossspace.serve.state import state_of, token_shown, work
from crossspace.serve.upload import FIELDS, Upload, receive_upload
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
    responses={**documented(AnalysisAnswer), **errors(400, 401, 403, 408, 413, 415, 422, 429, 501, 503, 504, 507)},
    openapi_extra=_BODY,
    dependencies=[Depends(token_shown)],
)
async def analyze(request: Request, format: Format = "json") -> Response:
    """The files are kept while they are worked on and then removed. What they are is decided by their content."""
    state = state_of(request)
    with state.recordings.place() as place:
        folder = state.workspace.folder()
        place.afterwards(lambda: remove(folder))
        upload = await receive_upload(request, folder, state.settings)
        names = {**state.names, **{str(path): FIELDS[name] for name, path in upload.files.items()}}
        media = upload.files.get("media")
        # Not in the queue: what cannot be served is told so at once.
        transcript = await run_sync(_checked, upload, state.settings)
        shown = upload.names.get("media") or upload.names.get("transcript") or "conversation"

        def job(progress: Progress) -> Response:
            found = state.analyzer.analyze(media, transcript, name=shown, conversation_id=shown, progress=progress)
            return answer_with(found, format, names)

        return await work(request, place, job, names)


def _checked(upload: Upload, settings: Settings) -> Transcript | None:
    """The transcript of an upload, if it has one, after a look at everything in it."""
    if "media" in upload.files:
        check_recording(upload.files["media"], settings.max_duration)
    if "transcript" not in upload.files:
        return None
    transcript = read_transcript(upload.files["transcript"], FIELDS["transcript"].capitalize())
    check_amount([cue.text for cue in transcript.cues], settings)
    return transcript
