"""What is in an upload: looked at by a worker, before anything else is done with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crossspace.data.conversation import Conversation
from crossspace.features.media import open_media
from crossspace.serve.limits import check_amount
from crossspace.serve.recording import check_recording
from crossspace.serve.refusal import Refusal
from crossspace.serve.schemas import PostedConversation
from crossspace.serve.settings import Settings
from crossspace.serve.worker import Said
from crossspace.transcripts import Cue, Transcript, read_transcript
from crossspace.transcripts.bounds import MOST_VALUES

TRANSCRIPT = "The transcript"
"""What messages call it."""

_MOST_SPEAKERS, _MOST_SHOWN, _LONGEST_SHOWN = 20, 12, 500
"""Speakers, entries and characters of an entry in the summary of a transcript."""


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
    content = read_transcript(transcript, TRANSCRIPT, None if media is None else lambda: open_media(media).duration)
    check_amount([cue.text for cue in content.cues], settings)
    return content


def look_at_conversation(body: bytes, settings: Settings, said: Said = lambda stage: None) -> Conversation:
    """The conversation of a posted body.

    Raises:
        CrossspaceError: it cannot be used, or is too much.
    """
    check_values(body, "A conversation")
    posted: PostedConversation = parse(PostedConversation, body)
    check_amount([u.text for u in posted.utterances], settings)
    return posted.conversation()


def summary_of_transcript(path: Path, settings: Settings, said: Said = lambda stage: None) -> dict[str, Any]:
    """What a transcript is understood as, in the shape of :class:`~crossspace.serve.schemas.TranscriptAnswer`.

    Raises:
        CrossspaceError: it cannot be used, or is too much.
    """
    content = read_transcript(path, TRANSCRIPT)
    check_amount([cue.text for cue in content.cues], settings)
    times = [t for cue in content.cues for t in (cue.start, cue.end) if t is not None]
    speakers = _speakers(content.cues)
    return {
        "format": content.format,
        "utterances": len(content.cues),
        "timed": sum(cue.start is not None for cue in content.cues),
        "start": min(times, default=None),
        "end": max(times, default=None),
        "speaker_count": len(speakers),
        "speakers": speakers[:_MOST_SPEAKERS],
        "first": [_shown(cue) for cue in content.cues[:_MOST_SHOWN]],
        "sound_count": len(content.sounds),
        "sounds": [_shown(cue) for cue in content.sounds[:_MOST_SHOWN]],
        "notes": list(content.notes),
    }


def _speakers(cues: Sequence[Cue]) -> list[dict[str, Any]]:
    """By how often they speak, then in the order of their first words."""
    spoken: dict[str, list[float | None]] = {}
    for cue in cues:
        known = cue.start is not None and cue.end is not None
        spoken.setdefault(cue.speaker, []).append(cue.end - cue.start if known else None)  # type: ignore[operator]
    found = []
    for name, lengths in sorted(spoken.items(), key=lambda one: -len(one[1])):
        seconds = [s for s in lengths if s is not None]
        found.append({"name": name, "utterances": len(lengths), "seconds": sum(seconds) if seconds else None})
    return found


def _shown(cue: Cue) -> dict[str, Any]:
    # Whole books stand in one entry where a format was misread; of that, the beginning says enough.
    text = cue.text if cue.text is None or len(cue.text) <= _LONGEST_SHOWN else cue.text[: _LONGEST_SHOWN - 1] + "…"
    return {"speaker": cue.speaker, "start": cue.start, "end": cue.end, "text": text}


def check_values(body: bytes, what: str) -> None:
    """Raise :class:`Refusal` 413 when JSON holds more objects and lists than can be anything of use here."""
    # Counted before parsing: millions of empty lists fit into a few megabytes and take gigabytes.
    if body.count(b"{") + body.count(b"[") > MOST_VALUES:
        raise Refusal(413, f"{what} may have {MOST_VALUES:,} objects and lists. Found more; send parts.")


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
