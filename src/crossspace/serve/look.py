"""What is in an upload: looked at by a worker, before anything else is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crossspace.data.conversation import Conversation
from crossspace.serve.limits import check_amount
from crossspace.serve.recording import check_recording
from crossspace.serve.refusal import Refusal
from crossspace.serve.schemas import PostedConversation
from crossspace.serve.settings import Settings
from crossspace.serve.worker import Said
from crossspace.transcripts import Transcript, read_transcript
from crossspace.transcripts.bounds import MOST_VALUES

TRANSCRIPT = "The transcript"
"""What messages call it."""


def look_at_upload(
    media: Path | None, transcript: Path | None, settings: Settings, said: Said = lambda stage: None
) -> Transcript | None:
    """The transcript of an upload, if it has one, after a look at everything in it.

    Raises:
        CrossspaceError: it cannot be used, or is too much.
    """
    if media is not None:
        check_recording(media, settings.max_duration)
    if transcript is None:
        return None
    content = read_transcript(transcript, TRANSCRIPT)
    check_amount([cue.text for cue in content.cues], settings)
    return content


def look_at_conversation(body: bytes, settings: Settings, said: Said = lambda stage: None) -> Conversation:
    """The conversation of a posted body.

    Raises:
        CrossspaceError: it cannot be used, or is too much.
    """
    # Counted before parsing: millions of empty lists fit into a few megabytes and take gigabytes.
    if body.count(b"{") + body.count(b"[") > MOST_VALUES:
        raise Refusal(413, f"A conversation may have {MOST_VALUES:,} objects and lists. Found more; send parts.")
    posted: PostedConversation = parse(PostedConversation, body)
    check_amount([u.text for u in posted.utterances], settings)
    return posted.conversation()


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
        others = [f"and {len(faults) - 10} more"] if len(faults) > 10 else []
        raise Refusal(status, "; ".join(named + others)) from error
