"""Connections that cannot hold up others: little is read from one at a time, and what waits too long gives way."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from websockets.frames import Frame

MOST = 400
"""Connections at once; half of the files that a process may commonly open."""
PIECES = 512, 65_536
"""Bytes taken from a connection before others have their turn, at the least and at the most."""
TURN = 0.001
"""Seconds of work that a piece may cost: thousands of empty frames, or of chunks of one byte, fit into a few bytes."""
DEAR, PATIENCE = 5e-7, 16_384
"""Seconds of work for a byte, over so many bytes of a request, at which it ends: chunks of one byte cost more."""
MOST_FRAMES = 300
"""Frames that carry no message, or a part of one only, before a message is complete."""


class RequestProtocol(H11Protocol):
    """A connection that is closed when no whole head of a request comes in time; uvicorn would wait for ever.

    So is one whose request is answered and whose body never ends, and one whose bytes cost too much. Where :data:`MOST`
    are open, the one that has waited longest gives way to a new one: half heads without number keep nobody out.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        # An answer is written in two pieces; the second would wait until the client says that it has the first.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._meter = Meter(transport)
        self._waiting: asyncio.TimerHandle | None = None
        self._since = time.monotonic()
        # After this one is counted; it may be the one to go where all others are at work.
        if len(self.connections) > MOST:
            self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        with self._meter.turn(data):
            super().data_received(data)
        if self._meter.is_dear:
            self.transport.abort()
        self._watch()

    def on_response_complete(self) -> None:
        """An answer is sent."""
        super().on_response_complete()
        self._meter.reset()
        self._since = time.monotonic()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        self._stop()

    @property
    def _waits(self) -> bool:
        """Whether nothing is in work here: no head has come, or an answer is sent and the rest of a body comes."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self.transport.get_protocol() is self

    @property
    def _is_closing(self) -> bool:
        return self.transport.is_closing()

    def _make_room(self) -> None:
        waiting = [c for c in self.connections if isinstance(c, RequestProtocol) and c._waits and not c._is_closing]
        min(waiting, key=lambda connection: connection._since, default=self).transport.abort()

    def _watch(self) -> None:
        """Begin to wait when a head is due, and end it when one has come; pieces of one prolong nothing."""
        if not self._waits or self.conn.their_state is h11.MUST_CLOSE:
            self._stop()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(self.timeout_keep_alive, self._give_up)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self._waits:
            self.transport.close()


class LiveProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that ends where frames come without end and no message does: each costs far more than its bytes."""

    _frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        super().connection_made(transport)
        self._meter = Meter(transport)

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        with self._meter.turn(data):
            super().data_received(data)

    def handle_cont(self, event: Frame) -> None:
        """A further part of a message."""
        if self._is_bearable():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """A question whether we are there."""
        if self._is_bearable():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """An answer to ours, or to nothing."""
        if self._is_bearable():
            super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        """A message is complete."""
        self._frames = 0
        super().send_receive_event_to_app()

    def _is_bearable(self) -> bool:
        if self.close_sent:
            return False
        self._frames += 1
        if self._frames > MOST_FRAMES:
            self.conn.send_close(1008, f"There were {MOST_FRAMES} frames without a message.")
            self.handle_parser_exception()
            return False
        return True


class Meter:
    """What the bytes of a connection cost, and how many are taken from it at a time in consequence.

    Args:
        transport: of the connection.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._size = PIECES[0]
        self._spent = self._taken = 0.0
        self._read()

    @contextmanager
    def turn(self, data: bytes) -> Iterator[None]:
        """A piece is worked on: more is taken next time where it costs little, and less where it costs much."""
        # Of this thread, so that work of the lanes is not charged to a connection.
        began = time.thread_time()
        yield
        cost = time.thread_time() - began
        self._spent, self._taken = self._spent + cost, self._taken + len(data)
        least, most = PIECES
        # Halved and doubled: a client that turns hostile is slowed down within a few pieces.
        self._size = max(least, self._size // 2) if cost > TURN else min(most, 2 * self._size)
        self._read()

    def reset(self) -> None:
        """Another request begins: many small ones are as dear, and come from anybody who asks often."""
        self._spent = self._taken = 0.0

    @property
    def is_dear(self) -> bool:
        """Whether its bytes cost what nobody's do who sends something."""
        return self._taken > PATIENCE and self._spent > DEAR * self._taken

    def _read(self) -> None:
        # What asyncio reads at a time; nothing but this attribute says it.
        self._transport.max_size = self._size  # type: ignore[attr-defined]
