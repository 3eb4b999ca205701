"""Take an upload apart as it arrives, counting every byte, and lay its files into a folder of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from anyio.to_thread import run_sync
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from crossspace.serve.arrivals import Arrival
from crossspace.serve.refusal import Refusal
from crossspace.serve.state import State

FIELDS = {"media": "the recording", "transcript": "the transcript"}
"""The files of an upload and what messages call them."""

VALUES = ("track", "channels")
"""Fields of an upload that are no files."""

_LONGEST_VALUE = 4096
_OVERHEAD = 65_536
_BLOCK = 1_048_576


def _form(fields: Iterable[str]) -> str:
    *others, last = [f'"{name}"' for name in fields]
    files = f"files {', '.join(others)}, {last} or both" if others else f"file {last}"
    return f"Send multipart/form-data with the {files}."


@dataclass
class Upload:
    """The files of one upload, under names of our own.

    Attributes:
        files: path by field.
        names: what the client calls them; for display only, never for a path.
        values: what other fields hold; those that are left blank are not there.
    """

    files: dict[str, Path] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


async def receive_upload(
    request: Request, folder: Path, state: State, until: float, fields: Sequence[str] = tuple(FIELDS)
) -> Upload:
    """Stream the files of a multipart request into ``folder``.

    Args:
        request: whose.
        folder: for the files.
        state: of the server.
        until: when the time of the request is over.
        fields: those of :data:`FIELDS` that the form may have.

    Raises:
        Refusal: 400, it is no such form; 408, it stalls or is slow; 413, a file is too large; 415, another type of
            content.
    """
    settings = state.settings
    limits = {name: getattr(settings, f"max_{name}") for name in fields}
    # Headers and boundaries of the parts count too.
    total = sum(limits.values()) + _OVERHEAD
    form = _Form(_boundary(request, fields), folder, limits)
    try:
        async for chunk in body(request, total, state, until):
            form.feed(chunk)
            # Gathered, since every visit of a thread costs more than a small piece.
            if form.waiting >= _BLOCK:
                await run_sync(form.write)
        await run_sync(form.write)
    except OSError as error:
        raise Refusal(507, "The server has no room for this upload. Try again later.", retry_after=60) from error
    finally:
        form.close()
    return form.finish()


async def read_body(request: Request, state: State, until: float) -> bytes:
    """The whole body of a JSON request.

    Raises:
        Refusal: 408, 413 or 415, as :func:`receive_upload`.
    """
    kind, _ = parse_options_header(request.headers.get("content-type"))
    if kind != b"application/json":
        raise Refusal(415, "The content should be JSON, sent as application/json.")
    return b"".join([chunk async for chunk in body(request, state.settings.max_conversation, state, until)])


async def body(request: Request, limit: int, state: State, until: float) -> AsyncIterator[bytes]:
    """The pieces of a body; what a client declares is believed only where it declares too much.

    Args:
        request: whose.
        limit: bytes.
        state: of the server.
        until: when the time of the request is over.
    """
    too_large = Refusal(413, f"A request here may have {_size(limit)}. Send less, or raise the limits of the server.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "The content of a request should not be compressed.")
    if int(request.headers.get("content-length") or 0) > limit:
        raise too_large
    stream = request.stream()
    with state.arrivals.one() as arrival:
        while (chunk := await _next(stream, arrival, state, until)) is not None:
            arrival.received += len(chunk)
            state.arrivals.make_room()
            if arrival.received > limit:
                raise too_large
            yield chunk


async def _next(stream: AsyncIterator[bytes], arrival: Arrival, state: State, until: float) -> bytes | None:
    """The next piece, or ``None`` at the end.

    Raises:
        Refusal: 408, it does not come in time, the body is slow, or it gives way to another.
    """
    settings = state.settings
    piece = arrival.waits_for = asyncio.ensure_future(anext(stream, None))
    try:
        await asyncio.wait({piece}, timeout=max(0.0, min(settings.stall, until - time.monotonic())))
        if piece.done() and not arrival.given_way and (piece.result() is None or not state.arrivals.is_slow(arrival)):
            return piece.result()
    finally:
        piece.cancel()
    if time.monotonic() >= until:
        raise Refusal(408, f"This took longer than {settings.timeout:.0f} seconds to arrive.")
    if arrival.given_way:
        raise Refusal(408, "This arrives slowly, and others wait. Try again later, over a faster line.")
    if piece.done() and not piece.cancelled():
        raise Refusal(408, f"This arrives at less than {settings.least_rate:g} bytes per second. Use a faster line.")
    raise Refusal(408, f"Nothing arrived for {settings.stall:.0f} seconds. Send it again.")


class _Form:
    """Turns the pieces of a multipart body into files; nothing about a part is believed but its field name."""

    def __init__(self, boundary: bytes, folder: Path, limits: dict[str, int]) -> None:
        self._folder, self._limits, self._wanted = folder, limits, _form(limits)
        self._upload = Upload()
        self._open: dict[str, IO[bytes]] = {}
        self._sizes: dict[str, int] = {}
        self._values: dict[str, bytearray] = {}
        self._header, self._value, self._disposition, self._field = bytearray(), bytearray(), b"", ""
        self._pieces: list[tuple[IO[bytes], bytes]] = []
        self._ended = False
        self.waiting = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_end": self._ends,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Refusal(400, f"This is not the form it says it is. {self._wanted}") from error

    def write(self) -> None:
        """Bring to the disk what has gathered."""
        pieces, self._pieces, self.waiting = self._pieces, [], 0
        for file, piece in pieces:
            file.write(piece)

    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def finish(self) -> Upload:
        if not self._ended:
            raise Refusal(400, "The form ends before its last part does. Send it again, whole.")
        # Browsers send a field that was left blank as a file without name and content.
        for name in [n for n, size in self._sizes.items() if size == 0 and not self._upload.names[n]]:
            self._upload.files.pop(name).unlink()
        if not self._upload.files:
            raise Refusal(400, f"There is no file in this form. {self._wanted}")
        values = {name: value.decode("utf-8", "replace").strip() for name, value in self._values.items()}
        self._upload.values = {name: value for name, value in values.items() if value}
        for name in self._upload.files:
            if self._sizes[name] == 0:
                raise Refusal(422, f"{FIELDS[name].capitalize()} is empty.")
        return self._upload

    def _part_begins(self) -> None:
        self._disposition = b""

    def _header_ends(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        # The parser gives a header in pieces, so the next one has to begin empty.
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        # They go with a recording: a form without its field has none.
        if self._field in VALUES and "media" in self._limits:
            if self._field in self._values:
                raise Refusal(400, f"The field {self._field} comes twice. {self._wanted}")
            self._values[self._field] = bytearray()
            return
        if self._field not in self._limits:
            raise Refusal(400, f"There is a part that is no such file. {self._wanted}")
        if self._field in self._open:
            raise Refusal(400, f"{FIELDS[self._field].capitalize()} comes twice. {self._wanted}")
        # By the name of the field, of which there are two; never by what the client calls the file.
        path = self._folder / self._field
        self._upload.files[self._field] = path
        self._upload.names[self._field] = display_name(options.get(b"filename", b"").decode("utf-8", "replace"))
        self._open[self._field], self._sizes[self._field] = path.open("wb"), 0

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        name = self._field
        if name in VALUES:
            if len(self._values[name]) + end - start > _LONGEST_VALUE:
                raise Refusal(413, f"The field {name} may have {_LONGEST_VALUE:,} bytes. Send fewer.")
            self._values[name] += data[start:end]
            return
        self._sizes[name] += end - start
        if self._sizes[name] > self._limits[name]:
            raise Refusal(413, f"{FIELDS[name].capitalize()} may have {_size(self._limits[name])}. Send a smaller one.")
        self._pieces.append((self._open[name], data[start:end]))
        self.waiting += end - start

    def _ends(self) -> None:
        self._ended = True


def display_name(name: str) -> str:
    """The last part of a file name, without what cannot be printed, and not too long."""
    # Clients on Windows may send a whole path.
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:100].strip()


def _boundary(request: Request, fields: Sequence[str]) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise Refusal(415, _form(fields))
    boundary: bytes = options.get(b"boundary", b"")
    # RFC 2046 allows no longer one, and a parser searches for it at every byte.
    if not 0 < len(boundary) <= 70:
        raise Refusal(400, f"The form has no usable boundary. {_form(fields)}")
    return boundary


def _size(count: int) -> str:
    return f"{count / 1e6:g} MB" if count >= 100_000 else f"{count:,} bytes"
