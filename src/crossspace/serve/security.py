"""Who may ask: the token, the Host and Origin headers; and what a browser may do with the answers."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossspace.serve.error_answers import answer
from crossspace.serve.hosts import host_of, is_own
from crossspace.serve.refusal import Refusal
from crossspace.serve.settings import Settings

WAVESURFER_STYLE = "'sha256-4hGoO+X6KXe8Gw08N/aBKwvHEYryxn/8CNSB0dTq+m0='"
"""The one ``<style>`` of the page, written by wavesurfer.js for a waveform of 112 pixels; see page/vendor/README.md."""

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self'; style-src 'self' {WAVESURFER_STYLE}; img-src 'self'; "
        "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer; what an answer sets itself stays."""

SUBPROTOCOL = "bearer"
"""How a browser shows a token to a WebSocket, which cannot have headers: ``new WebSocket(url, ["bearer", token])``."""


class Guard:
    """Middleware that turns away other sites and adds :data:`HEADERS`.

    A page of another site can make a browser send requests here. While the server is on loopback, the ``Host`` header
    must name this computer, so that a foreign name that was made to point here (DNS rebinding) gets nothing. And an
    ``Origin`` header, which browsers add to what scripts of other sites send, must be the server's own: this matters
    for WebSockets above all, whose answers other sites could read otherwise.

    Args:
        app: what is guarded.
        settings: of the server.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        fault = self._fault(Headers(scope=scope))
        if fault is not None and scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008, "reason": fault})

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if fault is not None:
            return await answer(Refusal(403, fault))(scope, receive, guarded)
        return await self._app(scope, receive, guarded)

    def _fault(self, headers: Headers) -> str | None:
        host = host_of(headers.getlist("host"))
        if self._settings.is_loopback and (host is None or host[0] not in self._settings.host_names):
            return "The Host header should name this computer, such as localhost. Found another name."
        if host is None and "host" in headers:
            return "The Host header should be one name, with a port or without. Found something else."
        if "origin" in headers and not is_own(headers.getlist("origin"), host):
            return "Requests from pages of other sites are not served."
        return None


def check_token(connection: HTTPConnection, settings: Settings) -> None:
    """Raise :class:`Refusal` 401 unless the request shows the token of the server, if it has one.

    It is looked for in ``Authorization: Bearer TOKEN`` and, as browsers need it for WebSockets, in the subprotocols
    ``bearer, TOKEN``.
    """
    if settings.token is None:
        return
    scheme, _, shown = connection.headers.get("authorization", "").partition(" ")
    protocols = [p.strip() for p in connection.headers.get("sec-websocket-protocol", "").split(",")]
    if scheme.lower() != "bearer":
        shown = protocols[1] if len(protocols) == 2 and protocols[0] == SUBPROTOCOL else ""
    if not hmac.compare_digest(shown.strip().encode("utf-8", "replace"), settings.token.encode()):
        raise Refusal(401, "This server wants its token, shown as a bearer token. None, or another, was shown.")
