"""Recordings: sound and pictures from files of any container, with true times and in bounded memory."""

from crossspace.features.media.audio import LONGEST, audio_blocks, read_audio
from crossspace.features.media.probe import open_media
from crossspace.features.media.tracks import AudioTrack, Media, VideoTrack
from crossspace.features.media.video import Frame, read_frames

__all__ = [
    "LONGEST",
    "AudioTrack",
    "Frame",
    "Media",
    "VideoTrack",
    "audio_blocks",
    "open_media",
    "read_audio",
    "read_frames",
]
