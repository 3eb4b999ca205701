"""What a recording holds: how long it is, its sound and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossspace.errors import DataError
from crossspace.features.media.container import Faults, decode, opened, packets

LONGEST_RECORDING = 24 * 3600.0
"""Seconds. Beyond this the time stamps of a file are taken to be broken."""

_GUESSED = {"mp3", "aac", "mpegts", "mpeg", "ac3", "eac3", "dts", "amr"}
"""Formats that do not say how long they are; FFmpeg then guesses from the bit rate, and a difference means nothing."""


@dataclass(frozen=True)
class AudioTrack:
    """The sound of a recording.

    Attributes:
        index: of the stream in its container.
        rate: samples per second.
        channels: how many.
    """

    index: int
    rate: int
    channels: int


@dataclass(frozen=True)
class VideoTrack:
    """The pictures of a recording.

    Attributes:
        index: of the stream in its container.
        width, height: pixels of the upright picture, with rotation and pixel shape applied.
        rotation: degrees, counter-clockwise, by which stored pictures are turned to stand upright: 0, 90, 180 or 270.
        rate: mean number of frames per second.
        pixel_shape: width of a stored pixel over its height.
    """

    index: int
    width: int
    height: int
    rotation: int
    rate: float
    pixel_shape: float = 1.0


@dataclass(frozen=True)
class Media:
    """A recording that can be read.

    Attributes:
        path: of the file.
        duration: seconds from the earliest start of its tracks to the latest end, measured on its packets.
        audio, video: its tracks, ``None`` where it has none that can be decoded. A cover picture is not a video.
        origin: seconds; the time stamp in the file that is second 0 of the recording.
        notes: sentences on what is odd about the file.
    """

    path: Path
    duration: float
    audio: AudioTrack | None
    video: VideoTrack | None
    origin: float = 0.0
    notes: tuple[str, ...] = ()


def open_media(path: str | Path) -> Media:
    """Look through a recording once, without decoding more than the first frame of each track.

    Reading every packet takes about a second per hour of recording and makes the duration true where the container does
    not say it, guesses it, or was cut short.

    Raises:
        DataError: no such file, an empty one, not a recording, or one whose tracks cannot be decoded.
        MissingExtraError: PyAV is not installed.
    """
    path = Path(path)
    with opened(path) as container:
        streams = _streams(container)
        if not streams:
            raise DataError(f"{path} should hold sound or moving pictures. Found neither. Give a recording.")
        firsts, ends, counts = _survey(container, streams)
        if not firsts:
            kinds = " and ".join(stream.type for stream in streams)
            raise DataError(
                f"{path} should hold sound or moving pictures. Nothing of its {kinds} could be decoded: the file is damaged, "
                "encrypted, or of a kind that FFmpeg does not know. Convert it to MP4 or WAV."
            )
        origin = (container.start_time or 0) / 1e6
        duration = max(ends[index] for index in firsts) - origin
        _check_duration(path, duration)
        notes = [_undecodable(path, stream) for stream in streams if stream.index not in firsts]
        notes += _shortened(path, container, duration)
        tracks = {stream.type: (stream, firsts[stream.index]) for stream in streams if stream.index in firsts}
        audio = _audio(*tracks["audio"]) if "audio" in tracks else None
        video = _video(*tracks["video"], counts, ends) if "video" in tracks else None
    return Media(path, duration, audio, video, origin, tuple(notes))


def _streams(container: Any) -> list[Any]:
    """The best audio and the best video stream that is not a cover picture."""
    from av.stream import Disposition

    chosen = []
    for kind in ("audio", "video"):
        usable = [s for s in getattr(container.streams, kind) if not s.disposition & Disposition.attached_pic]
        best = container.streams.best(kind)
        # Streams compare by identity of the wrapper, which is not kept: compare their place in the file.
        usable.sort(key=lambda s: best is None or s.index != best.index)
        chosen += usable[:1]
    return chosen


def _survey(container: Any, streams: list[Any]) -> tuple[dict[int, Any], dict[int, float], dict[int, int]]:
    """The first frame of each stream that decodes, where its last packet ends, in seconds of the file, and its packets."""
    firsts: dict[int, Any] = {}
    ends: dict[int, float] = {stream.index: 0.0 for stream in streams}
    counts: dict[int, int] = dict.fromkeys(ends, 0)
    for packet in packets(container, tuple(streams), Faults()):
        index = packet.stream_index
        counts[index] += packet.size > 0
        if index not in firsts:
            for frame in decode(packet, Faults())[:1]:
                firsts[index] = frame
        if packet.pts is not None:
            ends[index] = max(ends[index], float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return firsts, ends, counts


def _audio(stream: Any, first: Any) -> AudioTrack:
    return AudioTrack(stream.index, int(first.sample_rate), len(first.layout.channels))


def _video(stream: Any, first: Any, counts: dict[int, int], ends: dict[int, float]) -> VideoTrack:
    shape = float(stream.sample_aspect_ratio or 1)
    width, height = round(first.width * shape), first.height
    rotation = upright(first)
    if rotation in (90, 270):
        width, height = height, width
    seconds = ends[stream.index] - (first.time or 0.0)
    rate = counts[stream.index] / seconds if seconds > 0 else float(stream.average_rate or 25)
    return VideoTrack(stream.index, width, height, rotation, rate, shape)


def upright(frame: Any) -> int:
    """Degrees, counter-clockwise, by which a frame must be turned; a slant is rounded to a quarter."""
    return round((frame.rotation or 0) / 90) * 90 % 360


def _check_duration(path: Path, duration: float) -> None:
    if not 0 < duration <= LONGEST_RECORDING:
        raise DataError(
            f"{path} should last between 0 and {LONGEST_RECORDING / 3600:.0f} hours. Its time stamps say {duration:.1f} seconds. "
            "Convert it to MP4 or WAV, or cut it."
        )


def _undecodable(path: Path, stream: Any) -> str:
    codec = stream.codec_context.name if stream.codec_context else "unknown"
    return f"{path.name}: nothing of the {stream.type} track ({codec}) could be decoded; it is left out."


def _shortened(path: Path, container: Any, duration: float) -> list[str]:
    said = (container.duration or 0) / 1e6
    if container.format.name in _GUESSED or said - duration <= max(1.0, 0.02 * said):
        return []
    return [
        f"{path.name} says that it lasts {said:.1f} seconds, but ends after {duration:.1f}: it was probably cut short."
    ]
