"""``POST /v1/analyze``: a recording, a transcript, or both."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from crossspace.errors import UsageError
from crossspace.features.extraction.conversation import Extracted
from crossspace.features.sources import Recording, channels_of, track_of
from crossspace.serve.answers import Format, answer_with, documented
from crossspace.serve.extracting import extract_media
from crossspace.serve.lane import Progress
from crossspace.serve.look import look_at_upload
from crossspace.serve.progress import Job
from crossspace.serve.refusal import Refusal
from crossspace.serve.schemas import AnalysisAnswer, errors
from crossspace.serve.state import look, state_of, token_shown, work
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
                    "description": "at least one of the two files; track and channels go with a recording",
                    "properties": {
                        "media": {"type": "string", "format": "binary", "description": "audio or video"},
                        "transcript": {
                            "type": "string",
                            "format": "binary",
                            "description": "of any format that is read",
                        },
                        "track": {"type": "integer", "minimum": 1, "description": "audio track that is heard"},
                        "channels": {
                            "type": "string",
                            "description": "the speaker of each channel of the recording, `A,B`, or `speakers`",
                        },
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
async def analyze(request: Request, format: Format = "json", labels: bool = False, job: Job = None) -> Response:
    """The files are kept while they are worked on and then removed. What they are is decided by their content.

    Of several audio tracks the one in which most is said is heard, or the one of the number `track`. Where each speaker
    has a channel, `channels` names them.

    With `labels`, captions (`vtt`, `srt`) show emotion and confidence behind the words. With `job`, a name that the
    client chooses, `/v1/progress/NAME` says meanwhile how far it is.
    """
    state = state_of(request)
    state.recordings.check_room()
    until = time.monotonic() + state.settings.timeout
    with state.stages.of(job) as tell, ExitStack() as working, ExitStack() as arriving:
        folder = state.workspace.folder()
        arriving.callback(remove, folder)
        # No place is taken yet: a body that arrives slowly holds up nobody.
        upload = await receive_upload(request, folder, state, until)
        place = working.enter_context(state.recordings.place())
        # The job may outlive this request, and reads the files until it ends.
        place.afterwards(arriving.pop_all().close)
        sound = _sound(upload)
        media, transcript_path = upload.files.get("media"), upload.files.get("transcript")
        tell("looking")
        # Not in the queue: what cannot be served is told so at once.
        transcript = await look(request, until, look_at_upload, media, transcript_path, state.settings)
        names = {**state.names, **{str(path): FIELDS[name] for name, path in upload.files.items()}}
        shown = upload.names.get("media") or upload.names.get("transcript") or "conversation"

        def job_of(progress: Progress) -> Response:
            def told(stage: str = "") -> None:
                progress()
                if stage:
                    tell(stage)

            def extract(recording: Recording) -> Extracted:
                extracted: Extracted = state.extractor.call(
                    extract_media, recording, state.wanted, state.transcribing, said=told
                )
                return extracted

            analysis = state.analyzer.analyze(
                media,
                transcript,
                name=shown,
                conversation_id=shown,
                progress=told,
                extract=extract,
                **sound,
            )
            return answer_with(analysis, format, names, labels)

        tell("waiting")
        return await work(request, place, job_of, until, names)


def _sound(upload: Upload) -> dict[str, Any]:
    """Which track is heard, and whose channels the recording has, as far as the form says.

    Raises:
        Refusal: 422, they are written in another way, or there is no recording.
    """
    values = upload.values
    if values and "media" not in upload.files:
        raise Refusal(422, f"{' and '.join(sorted(values))} should come with a recording. Send it, or leave them out.")
    try:
        return {name: {"track": track_of, "channels": channels_of}[name](value) for name, value in values.items()}
    except UsageError as error:
        raise Refusal(422, str(error)) from error
