"""Run an application: a socket, uvicorn with its limits set, a clean end."""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from crossspace.errors import UsageError
from crossspace.serve.connections import LiveProtocol, RequestProtocol
from crossspace.serve.ending import GRACE
from crossspace.serve.settings import Settings

_BACKLOG, _AT_ONCE = 2048, 16
"""Connections that may wait to be taken, and that are taken before those that are there have their turn."""


def listen(settings: Settings) -> tuple[socket.socket, str]:
    """A listening socket and its address, ``http://host:port``.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        # Opened here and not by uvicorn, so that a port in use is a message and no traceback.
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
        loop="asyncio",
        http=RequestProtocol,
        ws=LiveProtocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=_AT_ONCE,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(settings.stall),
        timeout_graceful_shutdown=int(GRACE) + 2,
        ws_max_size=4 * settings.max_message,
        # Compressed messages could be small on the wire and large here.
        ws_per_message_deflate=False,
    )
    # Clients could fill the log by forms and requests that are none.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    _Server(configuration, started, app.state.crossspace.ending.set).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that says when it has started and when it is told to end."""

    def __init__(self, configuration: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(configuration)
        self._say_so, self._ending = started, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(_BACKLOG)  # uvicorn has only one number for both
        if self.started:
            self._say_so()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the requests that run, and end."""
        self._ending()
        await super().shutdown(sockets)
