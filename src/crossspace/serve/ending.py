"""How requests end when the server does."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossspace.serve.error_answers import answer
from crossspace.serve.refusal import ENDS, Refusal

GRACE = 3.0
"""Seconds that running requests are given when the server is told to end."""


class Ending:
    """Middleware that, once the server is to end, gives a request :data:`GRACE` seconds and then answers 503.

    Args:
        app: whose requests.
        ending: set when the server is told to end.
        grace: seconds.
    """

    def __init__(self, app: ASGIApp, ending: asyncio.Event, grace: float = GRACE) -> None:
        self._app, self._ending, self._grace = app, ending, grace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, noted))
        ends = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({work, ends}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=self._grace)
            if work.done():
                return work.result()
            work.cancel()
            await asyncio.wait({work})
            # An answer that has begun cannot be exchanged for another; its connection is cut.
            if not begun:
                await answer(Refusal(503, ENDS))(scope, receive, send)
        finally:
            work.cancel()
            ends.cancel()
        return None
