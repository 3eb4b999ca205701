"""Run an application: a socket, uvicorn with its limits set, a clean end."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from crossspace.errors import UsageError
from crossspace.serve.ending import GRACE
from crossspace.serve.settings import Settings


def listen(settings: Settings) -> tuple[socket.socket, str]:
    """A listening socket and its address, ``http://host:port``.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{settings.host}:{settings.port} cannot be listened on: {reason}. Choose another --port (0 takes a free "
            "one) or --host."
        ) from error
    host = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
    return listening, f"http://{host}:{listening.getsockname()[1]}"


def serve(app: FastAPI, settings: Settings, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve until the process is told to end by SIGINT or SIGTERM, which it then receives again.

    Args:
        app: the application.
        settings: its limits.
        listening: the socket.
        started: called once the server answers and would notice a signal.
    """
    configuration = uvicorn.Config(
        app,
        http=_Protocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.max_live + 200,
        timeout_keep_alive=math.ceil(settings.stall),
        timeout_graceful_shutdown=int(GRACE) + 2,
        ws_max_size=4 * settings.max_message,
        ws_max_queue=4,
        # Compressed messages could be small on the wire and large here.
        ws_per_message_deflate=False,
    )
    # Clients could fill the log by forms that are none.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    _Server(configuration, started, app.state.crossspace.ending.set).run(sockets=[listening])


class _Protocol(H11Protocol):
    """A connection that is closed when no whole head of a request comes in time; uvicorn would wait for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._waiting: asyncio.TimerHandle | None = None
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        self._stop()

    def _watch(self) -> None:
        """Begin to wait when a head is due, and end it when one has come; pieces of one prolong nothing."""
        if self.conn.their_state is not h11.IDLE or self.transport.get_protocol() is not self:
            self._stop()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(self.timeout_keep_alive, self._give_up)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE and self.transport.get_protocol() is self:
            self.transport.close()


class _Server(uvicorn.Server):
    """A server that says when it has started and when it is told to end."""

    def __init__(self, configuration: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(configuration)
        self._say_so, self._ending = started, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._say_so()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the requests that run, and end."""
        self._ending()
        await super().shutdown(sockets)
