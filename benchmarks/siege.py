"""Attacks on a server that go on while others use it: each is a loop that ends when it is told to."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event

from benchmarks.hostile import FORM, form, raw, uploads, wav

LONGEST = 20.0
"""Seconds that attackers wait for their last answers."""
CUE = "00:00.000 --> 00:01.000\n"
HOSTS = (
    *("evil.example", "evil.com@localhost", "localhost:80@evil.example", "localhost.evil.example", "[::1]evil"),
    *("localhost.", "localhost:port", "local host", "", "127.1", "xn--lcalhost-n4a"),
)
UPGRADE = (
    b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@dataclass
class Siege:
    """What attackers share.

    Attributes:
        port: of the server.
        over: set when it is over.
        answers: how often each attack got each status; 0 where the line was closed without one.
    """

    port: int
    over: threading.Event = field(default_factory=threading.Event)
    answers: dict[str, Counter[int]] = field(default_factory=dict)

    def note(self, attack: str, status: int) -> None:
        """An answer came."""
        self.answers.setdefault(attack, Counter())[status] += 1

    def line(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


@contextmanager
def besieged(port: int) -> Iterator[dict[str, Counter[int]]]:
    """Every attack at once, in a process of its own, until the block ends; then come the answers that they got."""
    context = multiprocessing.get_context("spawn")
    over, found = context.Event(), context.SimpleQueue()
    attackers = context.Process(target=_besiege, args=(port, over, found), daemon=True)
    attackers.start()
    answers: dict[str, Counter[int]] = {}
    try:
        yield answers
    finally:
        over.set()
        answers.update(found.get())
        attackers.join()


def _besiege(port: int, over: Event, found: SimpleQueue[dict[str, Counter[int]]]) -> None:
    siege = Siege(port)
    threads = begin(siege)
    over.wait()
    siege.over.set()
    deadline = time.monotonic() + LONGEST
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    found.put(siege.answers)


def begin(siege: Siege) -> list[threading.Thread]:
    """Every attack in a thread of its own."""
    attacks = (_slow_bodies, _half_heads, _transcripts, _large_json, _frames, _chunks, _hosts, _bombs)
    threads = [threading.Thread(target=_again, args=(attack, siege), daemon=True) for attack in attacks]
    for thread in threads:
        thread.start()
    return threads


def _again(attack: Callable[[Siege], None], siege: Siege) -> None:
    while not siege.over.is_set():
        with suppress(OSError, http.client.HTTPException):  # the server hangs up, as it should
            attack(siege)
        siege.over.wait(0.05)


def _slow_bodies(siege: Siege) -> None:
    head = b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="media"; filename="a"\r\n\r\n'
    with ExitStack() as stack:
        lines = [stack.enter_context(siege.line()) for _ in range(40)]
        for line in lines:
            line.sendall(head + b"Content-Length: 100000\r\n\r\n" + part)
            line.setblocking(False)
        while lines and not siege.over.wait(0.3):
            lines = [line for line in lines if not _answered(siege, "slow body", line, b"-")]


def _answered(siege: Siege, attack: str, line: socket.socket, more: bytes) -> bool:
    """Whether the server has answered or hung up; ``more`` is sent where it has not."""
    try:
        line.send(more)
        with suppress(BlockingIOError):
            said = line.recv(1000)
            siege.note(attack, int(said.split()[1]) if said else 0)
            return True
    except OSError:
        siege.note(attack, 0)
        return True
    return False


def _half_heads(siege: Siege) -> None:
    with ExitStack() as stack:
        for _ in range(450):
            stack.enter_context(siege.line()).sendall(b"GET /v1/health HTTP/1.1\r\nHost: local")
        siege.note("450 half heads", 0)
        siege.over.wait(3)


def _transcripts(siege: Siege) -> None:
    contents = {
        "spaces": "A: hi\n" + " " * 2_000_000 + "sx\n",
        "empty lines": f"WEBVTT\n\n{CUE}" + "\n" * 4_000_000,
        "voices": f"WEBVTT\n\n{CUE}" + "<v " * 1_000_000,
        "entities": f"WEBVTT\n\n{CUE}&#{'9' * 100_000}; &#1114112;",
        "one line of 4.9 MB": "A: " + "word " * 980_000,
        "columns": "text" + "," * 2_000_000 + "\n" + "a\n" * 1_000_000,
        "brackets": "[" + "[]," * 1_500_000 + "[]]",
        "halves of characters": '[{"text": "\\ud800 a", "speaker": "\\udfff"}]',
    }
    for name, content in contents.items():
        if siege.over.is_set():
            return
        siege.note(f"transcript of {name}", form("transcript", content.encode())(siege.port)[0])


def _large_json(siege: Siege) -> None:
    for name, item in (("empty utterances", "{},"), ("numbers", "1,"), ("unknown keys", '{"x":1},')):
        content = ('{"utterances": [' + item * (15_000_000 // len(item)) + "{}]}").encode()
        line = http.client.HTTPConnection("127.0.0.1", siege.port, timeout=120)
        line.request("POST", "/v1/predict", content, {"Content-Type": "application/json"})
        siege.note(f"15 MB of {name}", line.getresponse().status)
        line.close()
        if siege.over.is_set():
            return


def _frames(siege: Siege) -> None:
    for name, frame in (("parts", b"\0\x80abcd"), ("pings", b"\x89\x80abcd")):
        with siege.line() as line:
            line.sendall(UPGRADE)
            line.recv(1000)
            with suppress(OSError):
                line.sendall(b"\x01\x80abcd")
                for _ in range(50):
                    line.sendall(frame * 20_000)
            siege.note(f"frames: {name}", 0)


def _chunks(siege: Siege) -> None:
    with siege.line() as line:
        line.sendall(
            b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n-\r\n" * 200_000 + b"0\r\n\r\n"
        )
        siege.note("200,000 chunks of a byte", int(line.recv(1000).split()[1]))


def _hosts(siege: Siege) -> None:
    for host in HOSTS:
        with siege.line() as line:
            line.sendall(f"GET /v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            siege.note("foreign hosts", int(line.recv(1000).split()[1]))


def _bombs(siege: Siege) -> None:
    all_of_them = uploads()
    random.Random(time.monotonic()).shuffle(all_of_them)
    for _, send in all_of_them:
        if siege.over.is_set():
            return
        siege.note("hostile uploads", send(siege.port)[0])
    overlap = json.dumps([{"text": "a", "start": i / 1000, "end": 4} for i in range(1900)]).encode()
    siege.note("1,900 utterances at once", raw(FORM, _both(wav(4), overlap))(siege.port)[0])


def _both(media: bytes, transcript: bytes) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s\r\n'
    return part % (b"media", media) + part % (b"transcript", transcript) + b"--x--\r\n"
