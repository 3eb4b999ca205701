"""What a recording holds: how long it is, its sound and its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossspace.errors import DataError
from crossspace.features.media.container import Faults, decode, opened, packets
from crossspace.features.media.pose import pose_of
from crossspace.features.media.tracks import AudioTrack, Media, VideoTrack

LONGEST_RECORDING = 24 * 3600.0
"""Seconds. Beyond this the time stamps of a file are taken to be broken."""

_GUESSED = {"mp3", "aac", "mpegts", "mpeg", "ac3", "eac3", "dts", "amr"}
"""Formats that do not say how long they are; FFmpeg then guesses from the bit rate, and a difference means nothing."""

_RATES = range(2000, 1_000_001)
"""Samples per second: below, nothing that is said can be understood; far above, no sound is recorded."""
_REST = 4096
"""Bytes that may follow the last packet of a track: an index, or facts about the file."""


@dataclass
class _SurveyedTrack:
    """What a look through the packets of a stream found.

    Attributes:
        first: its first frame.
        begin: the time stamp of its first packet, in ticks.
        ticks: where it ends.
        packets: how many there are.
        leads: by how many ticks packets are decoded before they are shown.
        read: bytes of the file up to the end of its last packet.
    """

    stream: Any
    first: Any = None
    begin: int | None = None
    ticks: int = 0
    packets: int = 0
    leads: set[int] = field(default_factory=set)
    read: int = 0

    @property
    def end(self) -> float:
        """In seconds of the file."""
        return float(self.ticks * self.stream.time_base)


def open_media(path: str | Path) -> Media:
    """Look through a recording once, without decoding more than the first frame of each track.

    Reading every packet makes the duration true where the container does not say it, guesses it, or was cut short; it
    takes a second or two per hour of recording.

    Raises:
        DataError: no such file, an empty one, not a recording, or one whose tracks cannot be decoded.
        MissingExtraError: PyAV is not installed.
    """
    path = Path(path)
    with opened(path) as container:
        surveyed = _survey(container, _streams(container))
        # A damaged header claims rates that no microphone has; its times would be as wrong.
        odd = [track for track in surveyed if track.stream.type == "audio" and not _is_sound(track)]
        tracks = {track.stream.type: track for track in surveyed if track.first is not None and track not in odd}
        if not tracks:
            raise DataError(_nothing(path, [track for track in surveyed if track not in odd], [_odd(t) for t in odd]))
        # The earliest of all tracks, which keeps sound and pictures together where one begins later.
        origin = (container.start_time or 0) / 1e6
        # Measured on the packets: what the container says may be a guess, or from before the file was cut.
        duration = max(track.end for track in tracks.values()) - origin
        _check_duration(path, duration)
        notes = [_undecodable(path, track.stream) for track in surveyed if track.first is None]
        notes += [f"{path.name}: {_odd(track)}; it is left out." for track in odd]
        notes += _shortened(path, container, duration, origin)
        notes += _unread(path, container, duration, max(track.read for track in surveyed))
        audio = _audio(tracks["audio"]) if "audio" in tracks else None
        video = _video(tracks["video"]) if "video" in tracks else None
    return Media(path, duration, audio, video, origin, tuple(notes))


def _streams(container: Any) -> list[Any]:
    """The best audio and the best video stream that is not a cover picture."""
    from av.stream import Disposition

    chosen = []
    for kind in ("audio", "video"):
        usable = [s for s in getattr(container.streams, kind) if not s.disposition & Disposition.attached_pic]
        best = container.streams.best(kind)
        # FFmpeg's choice first where it is usable; it may choose the cover.
        usable.sort(key=lambda s: best is None or s.index != best.index)
        chosen += usable[:1]
    return chosen


def _survey(container: Any, streams: list[Any]) -> list[_SurveyedTrack]:
    tracks = {stream.index: _SurveyedTrack(stream) for stream in streams}
    for packet in packets(container, tuple(streams), Faults()) if streams else ():
        track = tracks[packet.stream_index]
        if track.first is None:
            # Tried packet by packet: the first ones of a cut recording may need a picture that was cut off.
            track.first = next(iter(decode(packet, Faults())), None)
        track.read = max(track.read, (packet.pos or 0) + packet.size)
        begin = packet.dts if packet.pts is None else packet.pts
        if begin is not None:
            track.begin = begin if track.begin is None else track.begin
            track.ticks = max(track.ticks, begin + (packet.duration or 0))
            track.packets += 1
            # Two different leads are all that has to be known; a long video has millions of packets.
            if len(track.leads) < 2:
                track.leads.add(0 if packet.dts is None else begin - packet.dts)
    return list(tracks.values())


def _audio(track: _SurveyedTrack) -> AudioTrack:
    return AudioTrack(track.stream.index, int(track.first.sample_rate), len(track.first.layout.channels))


def _video(track: _SurveyedTrack) -> VideoTrack:
    stream, first = track.stream, track.first
    shape = float(stream.sample_aspect_ratio or 1)
    width, height = round(first.width * shape), first.height
    pose = pose_of(first)
    # The pixel shape belongs to the stored picture, so it is applied before the sides are exchanged.
    if pose.rotation in (90, 270):
        width, height = height, width
    seconds = track.end - (first.time or 0.0)
    rate = track.packets / seconds if seconds > 0 else float(stream.average_rate or 25)
    return VideoTrack(stream.index, width, height, pose.rotation, rate, shape, pose.mirrored, _delay(track))


def _delay(track: _SurveyedTrack) -> float | None:
    """Seconds from decoding to showing of a video in AVI, which holds no times of showing; ``None`` of any other."""
    # FFmpeg makes times of showing up. Where it fails to look into the stream, as in H.264, all packets are shown as
    # long after their decoding as the others, though the decoder brings the pictures into another order.
    if track.stream.container.format.name != "avi" or not track.stream.codec_context.has_b_frames:
        return None
    if len(track.leads) > 1 or track.begin is None or track.first.dts is None:
        return None
    # Times of decoding are then the ones to go by: they rise from picture to picture, and the first picture is shown at
    # the first time there is.
    return float((track.first.dts - track.begin) * track.stream.time_base)


def _is_sound(track: _SurveyedTrack) -> bool:
    return track.first is None or int(track.first.sample_rate) in _RATES


def _odd(track: _SurveyedTrack) -> str:
    return f"sound of {track.first.sample_rate} samples per second, which holds no speech"


def _nothing(path: Path, tracks: list[_SurveyedTrack], odd: list[str]) -> str:
    if not tracks:
        seen = " and ".join(odd) or "neither"
        return f"{path} should hold sound or moving pictures. Found {seen}. Give a recording."
    kinds = " and ".join(track.stream.type for track in tracks)
    return (
        f"{path} should hold sound or moving pictures. Nothing of its {kinds} could be decoded: it is empty, damaged, "
        "encrypted, or of a kind that FFmpeg does not know. Convert it to MP4 or WAV."
    )


def _check_duration(path: Path, duration: float) -> None:
    if not 0 < duration <= LONGEST_RECORDING:
        raise DataError(
            f"{path} should last between 0 and {LONGEST_RECORDING / 3600:.0f} hours. Its time stamps say "
            f"{duration:.1f} seconds. Convert it to MP4 or WAV, or cut it."
        )


def _undecodable(path: Path, stream: Any) -> str:
    codec = stream.codec_context.name if stream.codec_context else "unknown"
    return f"{path.name}: nothing of the {stream.type} track ({codec}) could be decoded; it is left out."


def _shortened(path: Path, container: Any, duration: float, origin: float) -> list[str]:
    stated = (container.duration or 0) / 1e6
    if container.format.name == "matroska,webm":  # counts from second 0 of the file, wherever its tracks begin
        stated -= max(origin, 0.0)
    # Two percent and a second: what containers say is rounded, and the last packet often has no duration.
    if container.format.name in _GUESSED or stated - duration <= max(1.0, 0.02 * stated):
        return []
    return [
        f"{path.name} says that it lasts {stated:.1f} seconds, but ends after {duration:.1f}: it was probably cut "
        "short."
    ]


def _unread(path: Path, container: Any, duration: float, read: int) -> list[str]:
    """FFmpeg reads FLV up to the header of a second recording, as if the file ended there."""
    if container.format.name != "flv" or path.stat().st_size - read <= _REST:
        return []
    return [
        f"{path.name}: what follows after {duration:.1f} seconds cannot be read and is left out; the recording "
        "probably begins anew there. Join its parts with a program that makes one recording of them."
    ]
