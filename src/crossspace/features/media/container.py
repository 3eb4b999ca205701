"""Open a recording and decode one of its tracks, going on after what is damaged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossspace.data.foreign.signs import sign_of
from crossspace.errors import DataError
from crossspace.features.media.mended import MendedFile
from crossspace.features.media.sample_range import samples_in
from crossspace.features.media.timeline import Timeline
from crossspace.runtime import optional_import
from crossspace.stores import Place

# Formats that hold their own sound and pictures. Text and single images, which FFmpeg would open as a video, are not
# among them, nor are playlists (hls, dash, concat), which would make it read other files than the one that was given.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,mpeg,mpegts,mxf,rm,nut,dv,"
    "ogg,wav,w64,mp3,aac,flac,aiff,au,caf,amr,wv,ape,tta,ac3,eac3,dts"
)

_MOST_PIXELS = 8192 * 4608
"""A picture that claims more than 8K is not decoded: a small damaged or hostile file could else fill the memory."""

INDEXED = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
"""Formats with one timeline and a table of places, in which a jump lands where it should."""

_FAULTS_IN_A_ROW = 200
"""After so many reads that fail one after the other there is nothing more to hope for."""


@dataclass
class Faults:
    """How many packets of a track could not be read or decoded."""

    packets: int = 0

    def report(self, path: Path, track: str, notes: list[str] | None) -> None:
        """Add a sentence about them to ``notes``, if there are any and somebody takes notes."""
        if self.packets and notes is not None:
            notes.append(f"{path.name}: {self.packets} damaged packets of the {track} track were left out.")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The open ``av`` container of a local file.

    Raises:
        DataError: there is no such file, it is empty, or not a recording.
        MissingExtraError: PyAV is not installed.
    """
    av = optional_import("av", "media")
    _check_file(path)
    samples = samples_in(path)
    mended = MendedFile(path, samples) if samples is not None and not samples.as_stated else None
    try:
        # The prefix keeps FFmpeg from taking a name such as "concat:a" or "http:b" for a protocol.
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        source = f"file:{path.absolute()}" if mended is None else mended
        container = av.open(source, container_options=options, **_tags_as_they_are(av.__version__))
    except (av.FFmpegError, ValueError) as error:
        check_kind(path)
        raise DataError(
            f"{path} should be a recording, such as MP4, WebM, MP3 or WAV. It could not be read as one: "
            f"{_reason(error)}. If it is one, it may be cut short: export it again, or convert it to MP4 or WAV."
        ) from error
    with mended or nullcontext(), container:
        # Set before the first packet is decoded, since a decoder reads its options when it is opened.
        for stream in container.streams.video:
            if stream.codec_context is not None:
                stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
        yield container


def _tags_as_they_are(version: str) -> dict[str, str]:
    """What lets a file be opened whose tags are not UTF-8: before its release 19, PyAV has to be told."""
    return {"metadata_errors": "surrogateescape"} if int(version.split(".")[0]) < 19 else {}


def check_kind(path: Place) -> None:
    """Refuse what is by its first bytes known to be no recording, and say what it is.

    Raises:
        DataError: it is a document, an archive, a page, features.
    """
    # Tables and JSON may be transcripts in the wrong place: the caller's message, which speaks of texts, fits them.
    sign = sign_of(path) if path.is_file() else None
    if sign is None or sign.kind in ("recording", "table", "json", "empty"):
        return
    document = sign.kind in ("pdf", "office", "html")
    advice = (
        "If it holds a transcript, save that as plain text (.txt), a line 'NAME: what they say' for each utterance."
        if document
        else "Unpack it, or check the path; features and corpora are for 'crossspace predict'."
    )
    raise DataError(f"{path} should be a recording, such as MP4 or WAV, or a transcript. Found {sign.what}. {advice}")


def decoded(container: Any, track: int, tracks: Iterable[int], faults: Faults) -> Iterator[Any]:
    """The frames of a track from where the container stands to its end; what is damaged is counted and left out.

    Args:
        container: as :func:`opened` gives it.
        track: index of the stream.
        tracks: indexes of all streams of the recording, whose times go on together.
        faults: counts what is damaged.
    """
    indexes = [track] if container.format.name in INDEXED else sorted(tracks)
    for packet in packets(container, tuple(container.streams[index] for index in indexes), faults):
        if packet.stream_index == track:
            yield from decode(packet, faults)


def packets(container: Any, streams: tuple[Any, ...], faults: Faults) -> Iterator[Any]:
    """The packets of some tracks in the order of the file; the last ones, empty, flush the decoders.

    Where recordings were joined end to end the times of the later ones go on after those of the earlier ones.
    """
    timeline = None if container.format.name in INDEXED else Timeline()
    av = optional_import("av", "media")
    wanted = {stream.index for stream in streams}
    # In a row, not in all: a recording with a fault every minute is still worth hearing.
    failed = 0
    while failed < _FAULTS_IN_A_ROW:
        try:
            for packet in container.demux(*streams):
                failed = 0
                # FFmpeg delivers streams that appear in the middle of a file along with those it was asked for.
                if packet.stream_index not in wanted:
                    continue
                if timeline is not None:
                    timeline.place(packet)
                yield packet
            return
        except av.EOFError:
            return
        except (av.FFmpegError, ValueError, LookupError):  # PyAV raises IndexError where a stream appears late
            failed += 1
            faults.packets += 1


def decode(packet: Any, faults: Faults) -> list[Any]:
    """The frames of a packet; none where it is damaged."""
    av = optional_import("av", "media")
    try:
        return list(packet.decode())
    except av.EOFError:
        return []
    except (av.FFmpegError, ValueError):
        faults.packets += 1
        return []


def _check_file(path: Path) -> None:
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no such file"
        raise DataError(f"{path} should be a recording. Found {kind}. Check the path.")
    if not path.stat().st_size:
        raise DataError(f"{path} should be a recording. The file is empty (0 bytes). Export or copy it again.")


def _reason(error: Exception) -> str:
    av = optional_import("av", "media")
    if isinstance(error, av.ArgumentError):
        return "it is a picture, a text, a playlist or another kind of file that holds no recording"
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()
