"""What a vector of sound is known by, beside who makes it and when it begins and ends."""

from __future__ import annotations

from crossspace.features.media.tracks import Media


def sound_digest(media: Media, digest: str, channel: int | None = None) -> str:
    """What decides, beside the times, what is heard of a recording: its file, the track, and the channel.

    Args:
        media: the recording.
        digest: of its file.
        channel: the one that is heard of it; that of its track where none is given.
    """
    audio = media.audio
    if audio is None:
        return digest
    channel = audio.channel if channel is None else channel
    parts = [f"stream {audio.index}"] if len(media.sounds) > 1 else []
    parts += [] if channel is None else [f"channel {channel}"]
    parts += [] if audio.gain == 1 else [f"gain {audio.gain!r}"]
    # What was found by the count of its header, when there was less sound, is not what is found now.
    parts += ["whole"] if media.mended else []
    return " ".join([digest, *parts])
