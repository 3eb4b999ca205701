"""Fifty uploads that no server should accept, each with a function that sends it and returns status and message."""

from __future__ import annotations

import gzip
import io
import json
import socket
import struct
import tempfile
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

Send = Callable[[int], tuple[int, str]]

BOUNDARY = b"x"
FORM = "multipart/form-data; boundary=x"
NAMES = (
    "../../../../etc/passwd",
    "/etc/shadow",
    "..\\..\\windows\\win.ini",
    "C:\\x.mp4",
    "a\0b.vtt",
    "file:///etc/passwd",
    ".",
)


def uploads() -> list[tuple[str, Send]]:
    """``(what it is, how to send it)``."""
    found: list[tuple[str, Send]] = []
    for field, contents in (("media", _media()), ("transcript", _transcripts())):
        found += [(f"{field}: {what}", form(field, content)) for what, content in contents.items()]
    found += [(f"named {name!r}", form("media", b"\0" * 64, name)) for name in NAMES]
    found += _broken_requests()
    return found


def _media() -> dict[str, bytes]:
    sound = wav(1)
    return {
        "0 bytes": b"",
        "zeros": b"\0" * 100_000,
        "text": b"hello " * 1000,
        "HTML": b"<html><script>alert(1)</script></html>",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' width='99999' height='99999'/>",
        "PDF": b"%PDF-1.7\n" + b"1 0 obj\n" * 100,
        "a program": b"\x7fELF\2\1\1" + b"\0" * 1000,
        "zip": _zip(1),
        "zip bomb": _zip(200),
        "gzip bomb": gzip.compress(bytes(50_000_000)),
        "playlist of local files": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "playlist of addresses": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/\n#EXT-X-ENDLIST\n",
        "list of files to join": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "DASH manifest": b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>',
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
        "WAV cut in its header": sound[:30],
        "WAV without sound": sound[:12],
        "MP4 cut after its type": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "MP4 that claims 4 GB": struct.pack(">I", 0xFFFFFFFF) + b"ftypmp42" + b"\0" * 100,
        "Matroska cut in its header": b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f" + b"\x42\x86\x81\x01",
        "10 hours of silence": _silence(10 * 3600),
        "WAV of one sample per second": wav(40_000, rate=1),
        "PNG": b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 60000, 60000, 8, 2, 0, 0, 0, 0),
    }


def _transcripts() -> dict[str, bytes]:
    many = b"WEBVTT\n\n" + b"".join(
        b"%02d:%02d:%02d.000 --> %02d:%02d:%02d.900\nA: hi\n\n" % (*_clock(i), *_clock(i)) for i in range(20_000)
    )
    return {
        "0 bytes": b"",
        "zeros": b"\0" * 1000,
        "a program": b"\x7fELF\2\1\1" + bytes(range(256)) * 10,
        "zip": _zip(1),
        "JSON of deep brackets": b"[" * 200_000,
        "JSON cut short": b'{"utterances": [{"text": "a',
        "WebVTT without cues": b"WEBVTT\n",
        "WebVTT of 20,000 cues": many,
        "6 MB": b"WEBVTT\n\n" + b"a" * 6_000_000,
    }


def _clock(second: int) -> tuple[int, int, int]:
    return second // 3600, second // 60 % 60, second % 60


def _broken_requests() -> list[tuple[str, Send]]:
    part = b'--x\r\nContent-Disposition: form-data; name="media"; filename="a"\r\n\r\n'
    return [
        ("a declared terabyte", raw(FORM, part, declared=10**12)),
        ("a declared negative size", raw(FORM, part, declared=-1)),
        ("a declared size of letters", raw(FORM, part, declared="many")),
        ("a form cut in a part", raw(FORM, part + b"abc")),
        ("a form without boundary", raw("multipart/form-data", part)),
        ("a form of another boundary", raw(FORM, part.replace(b"--x", b"--y"))),
        ("an empty form", raw(FORM, b"--x--\r\n")),
        ("a compressed form", raw(FORM, gzip.compress(part), extra="Content-Encoding: gzip\r\n")),
        ("JSON where a form belongs", raw("application/json", b"{}")),
        ("a header of 100 kB", raw(FORM, part[:-2] + b"X: " + b"a" * 100_000 + b"\r\n\r\na\r\n--x--\r\n")),
        ("an unknown field", raw(FORM, part.replace(b'"media"', b'"../media"') + b"a\r\n--x--\r\n")),
        ("10,000 parts", raw(FORM, (part + b"\r\n") * 10_000 + b"--x--\r\n")),
        ("210 MB in pieces without a declared size", raw(FORM, part + b"\0" * 210_000_000, declared=None)),
    ]  # fmt: skip


def form(field: str, content: bytes, name: str = "a") -> Send:
    """Sends a form with one file."""
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    return raw(FORM, f"{head}Content-Type: video/mp4\r\n\r\n".encode() + content + b"\r\n--x--\r\n")


def raw(kind: str, body: bytes, declared: int | str | None = 0, extra: str = "") -> Send:
    """Sends bytes as they are. ``declared`` 0 means the true size, ``None`` pieces without one."""
    size = "Transfer-Encoding: chunked" if declared is None else f"Content-Length: {declared or len(body)}"
    head = "POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += f"Content-Type: {kind}\r\n{extra}{size}\r\n\r\n"

    def send(port: int) -> tuple[int, str]:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            try:
                line.sendall(head.encode())
                for at in range(0, len(body), 1_000_000):
                    piece = body[at : at + 1_000_000]
                    line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if declared is None else piece)
                line.sendall(b"0\r\n\r\n" if declared is None else b"")
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server has made up its mind already
            return _answer(line)

    return send


def _answer(line: socket.socket) -> tuple[int, str]:
    received = b""
    try:
        while piece := line.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return 0, "no answer"
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = body[:100].decode("utf-8", "replace")
    return int(head.split()[1]), message


def wav(seconds: int, rate: int = 8000) -> bytes:
    """Silence."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(bytes(2 * seconds * rate))
    return buffer.getvalue()


def _zip(megabytes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(megabytes * 1_000_000))
    return buffer.getvalue()


def _silence(seconds: int) -> bytes:
    """Hours of silence in a few hundred kilobytes."""
    import av
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "silence.flac"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("flac", rate=8000, layout="mono")
            for at in range(0, seconds * 8000, 8000 * 60):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000 * 60), np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts = 8000, at
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()
