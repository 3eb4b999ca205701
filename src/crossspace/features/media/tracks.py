"""What a recording is: its tracks, how long it is, and where its time begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class AudioTrack:
    """The sound of a recording.

    Attributes:
        index: of the stream in its container.
        rate: samples per second.
        channels: how many.
        channel: the one that is heard, from 0; the mean of all where it is ``None``.
        gain: by what samples are multiplied before anything is done with them.
        unbounded: whether samples may lie outside of [-1, 1]: floats, as programs for measurements write them.
        number: from 1, as players count the audio tracks of a file.
        language, title: as the container has them; empty where it has not.
        default: whether the container asks players to take this one.
        aside: whether the container says that it is a comment, a description of pictures or another companion.
    """

    index: int
    rate: int
    channels: int
    channel: int | None = None
    gain: float = 1.0
    unbounded: bool = field(default=False, compare=False)
    number: int = field(default=1, compare=False)
    language: str = field(default="", compare=False)
    title: str = field(default="", compare=False)
    default: bool = field(default=False, compare=False)
    aside: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        said = ", ".join(filter(None, (self.language, repr(self.title) if self.title else "")))
        return f"{self.number} ({said})" if said else f"{self.number}"


@dataclass(frozen=True)
class VideoTrack:
    """The pictures of a recording.

    Attributes:
        index: of the stream in its container.
        width, height: pixels of the upright picture, with rotation and pixel shape applied.
        rotation: degrees, counter-clockwise, by which stored pictures are turned to stand upright: 0, 90, 180 or 270.
        rate: mean number of frames per second.
        pixel_shape: width of a stored pixel over its height.
        mirrored: whether left and right of stored pictures are exchanged before they are turned.
        delay: seconds from the decoding of a picture to its showing, in a file that has the times of decoding alone;
            ``None`` where a picture says itself when it is shown.
    """

    index: int
    width: int
    height: int
    rotation: int
    rate: float
    pixel_shape: float = 1.0
    mirrored: bool = False
    delay: float | None = None


@dataclass(frozen=True)
class Media:
    """A recording that can be read.

    Attributes:
        path: of the file.
        duration: seconds from the earliest start of its tracks to the latest end, measured on its packets.
        audio, video: the tracks that are heard and seen, ``None`` where it has none that can be decoded. A cover
            picture is not a video.
        origin: seconds; the time stamp in the file that is second 0 of the recording.
        notes: sentences on what is odd about the file.
        sounds: all audio tracks that can be decoded.
        streams: indexes of all streams that were looked through; whoever reads the file goes by the times of all.
        mended: whether the header counted less sound than the file holds, and all of it is read.
    """

    path: Path
    duration: float
    audio: AudioTrack | None
    video: VideoTrack | None
    origin: float = 0.0
    notes: tuple[str, ...] = ()
    sounds: tuple[AudioTrack, ...] = ()
    streams: tuple[int, ...] = ()
    mended: bool = False

    @property
    def tracks(self) -> tuple[int, ...]:
        """Indexes of the streams whose times go on together."""
        return self.streams or tuple(track.index for track in (self.audio, self.video) if track is not None)
