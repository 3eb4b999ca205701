"""What a recording holds: how long it is, its sound and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossspace.errors import DataError
from crossspace.features.media.container import Faults, decode, opened, packets
from crossspace.features.media.pose import pose_of
from crossspace.features.media.remarks import is_mended, miscounted, several_pictures, shortened, undecodable, unread
from crossspace.features.media.tracks import AudioTrack, Media, VideoTrack

LONGEST_RECORDING = 24 * 3600.0
"""Seconds. Beyond this the time stamps of a file are taken to be broken."""

_GUESSED = {"mp3", "aac", "mpegts", "mpeg", "ac3", "eac3", "dts", "amr"}
"""Formats that do not say how long they are; FFmpeg then guesses from the bit rate, and a difference means nothing."""

_RATES = range(2000, 1_000_001)
"""Samples per second: below, nothing that is said can be understood; far above, no sound is recorded."""

_MOST_TRACKS = {"audio": 32, "video": 4}
"""Those beyond are not looked at: each needs a decoder, and its first frame is kept meanwhile."""

_LONGEST_TAG = 60
_NO_TITLES = {
    "SoundHandler",
    "SoundHandle",
    "Core Media Audio",
    "Mainconcept MP4 Sound Media Handler",
    "Apple Sound Media Handler",
}
"""What programs write where nobody gave a title."""


@dataclass
class _SurveyedTrack:
    """What a look through the packets of a stream found.

    Attributes:
        codec: its name, asked for before anything is decoded: PyAV 19 dies of the question when nothing could be.
        first: its first frame.
        begin: the time stamp of its first packet, in ticks.
        ticks: where it ends.
        packets: how many there are.
        leads: by how many ticks packets are decoded before they are shown.
        read: bytes of the file up to the end of its last packet.
    """

    stream: Any
    codec: str
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


def open_media(path: str | Path, track: int | None = None) -> Media:
    """Look through a recording once, without decoding more than the first frame of each track.

    Reading every packet makes the duration true where the container does not say it, guesses it, or was cut short; it
    takes a second or two per hour of recording.

    Of several tracks the one that players would take is heard and seen, unless it cannot be decoded.

    Args:
        path: of the file.
        track: which of the audio tracks is heard, from 1.

    Raises:
        DataError: no such file, an empty one, not a recording, or one whose tracks cannot be decoded, or without the
            track that was asked for.
        MissingExtraError: PyAV is not installed.
    """
    path = Path(path)
    with opened(path) as container:
        surveyed = _survey(container, _streams(container))
        # A damaged header claims rates that no microphone has; its times would be as wrong.
        odd = [one for one in surveyed if one.stream.type == "audio" and not _is_sound(one)]
        usable = [one for one in surveyed if one.first is not None and one not in odd]
        sounds = [_audio(container, one) for one in usable if one.stream.type == "audio"]
        # Those that players would take come first.
        audio = next(iter(sounds), None)
        if track is not None:
            audio = _numbered(path, track, sounds, len(container.streams.audio))
        if not usable:
            raise DataError(_nothing(path, [one for one in surveyed if one not in odd], [_odd(t) for t in odd]))
        # The earliest of all tracks, which keeps sound and pictures together where one begins later.
        origin = (container.start_time or 0) / 1e6
        # Measured on the packets: what the container says may be a guess, or from before the file was cut.
        duration = max(one.end for one in usable) - origin
        _check_duration(path, duration)
        seen = [one for one in usable if one.stream.type == "video"]
        notes = [f"{path.name}: {_odd(one)}; it is left out." for one in odd]
        notes += _remarks(path, container, surveyed, duration, origin)
        notes += several_pictures(path, [one.stream for one in seen])
        video = _video(seen[0]) if seen else None
        streams = tuple(one.stream.index for one in surveyed)  # of a closed container they are anything
    return Media(
        path,
        duration,
        audio,
        video,
        origin,
        tuple(dict.fromkeys(notes)),  # the container and its header may say the same
        tuple(sorted(sounds, key=lambda one: one.number)),
        streams,
        is_mended(path),
    )


def _remarks(
    path: Path, container: Any, surveyed: Sequence[_SurveyedTrack], duration: float, origin: float
) -> list[str]:
    notes = [undecodable(path, one.stream.type, one.codec) for one in surveyed if one.first is None]
    notes += shortened(path, container, duration, origin, container.format.name in _GUESSED)
    notes += unread(path, container, duration, max(one.read for one in surveyed))
    return notes + miscounted(path, duration)


def _streams(container: Any) -> list[Any]:
    """The audio and video streams that may be heard and seen, those first that players would take; no cover picture."""
    from av.stream import Disposition

    no_video = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    chosen = []
    for kind in ("audio", "video"):
        usable = [s for s in getattr(container.streams, kind) if not s.disposition & no_video]
        best = container.streams.best(kind)
        # FFmpeg's choice first where it is usable; it may choose the cover.
        usable.sort(key=lambda s: best is None or s.index != best.index)
        chosen += usable[: _MOST_TRACKS[kind]]
    return chosen


def _survey(container: Any, streams: list[Any]) -> list[_SurveyedTrack]:
    tracks = {s.index: _SurveyedTrack(s, s.codec_context.name if s.codec_context else "unknown") for s in streams}
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


def _audio(container: Any, track: _SurveyedTrack) -> AudioTrack:
    from av.stream import Disposition

    stream, first = track.stream, track.first
    # Matroska, MP4 and AVI call them differently; "und" says that it is not known.
    language, title = _tag(stream, "language"), _tag(stream, "title") or _tag(stream, "handler_name")
    aside = Disposition.comment | Disposition.visual_impaired | Disposition.karaoke | Disposition.descriptions
    return AudioTrack(
        stream.index,
        int(first.sample_rate),
        len(first.layout.channels),
        unbounded=track.codec.startswith(("pcm_f32", "pcm_f64")),
        number=1 + [other.index for other in container.streams.audio].index(stream.index),
        language="" if language == "und" else language[:_LONGEST_TAG],
        title="" if title in _NO_TITLES else title[:_LONGEST_TAG],
        default=bool(stream.disposition & Disposition.default),
        aside=bool(stream.disposition & aside),
    )


def _tag(stream: Any, name: str) -> str:
    """What a track says of itself, or nothing; what is not UTF-8 becomes question marks."""
    return stream.metadata.get(name, "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _numbered(path: Path, track: int, sounds: Sequence[AudioTrack], count: int) -> AudioTrack:
    """The audio track of a number.

    Raises:
        DataError: there is none, or it cannot be decoded; those there are are named.
    """
    for audio in sounds:
        if audio.number == track:
            return audio
    there = "; ".join(str(audio) for audio in sorted(sounds, key=lambda one: one.number)) or "none"
    found = "one audio track" if count == 1 else f"{count} audio tracks"
    found = f"track {track} cannot be decoded" if 1 <= track <= count else found
    raise DataError(f"{path} should have an audio track {track}. Found {found}. Tracks that can be heard: {there}.")


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
