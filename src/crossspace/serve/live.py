"""``WebSocket /v1/live``: a conversation while it happens, one answer per utterance."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from crossspace.errors import CrossspaceError
from crossspace.serve.answers import as_json
from crossspace.serve.error_answers import answer
from crossspace.serve.limits import check_amount
from crossspace.serve.look import parse
from crossspace.serve.refusal import UNEXPECTED, Refusal, content, refusal_of
from crossspace.serve.schemas import PostedUtterance
from crossspace.serve.security import SUBPROTOCOL, check_token
from crossspace.serve.state import State, state_of

router = APIRouter(prefix="/v1", tags=["live"])

NORMAL, POLICY, TOO_BIG, TRY_LATER = 1000, 1008, 1009, 1013


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """One :class:`PostedUtterance` in, one :class:`UtteranceAnswer` out, until the client closes.

    Each is judged by what was said before it. A message that is answered by an error has left no trace, and the
    conversation goes on. Utterances may come faster than allowed; they are then read more slowly, and none is lost.
    """
    state = state_of(socket)
    try:
        check_token(socket, state.settings)
    except Refusal as refusal:
        return await socket.send_denial_response(answer(refusal))
    # A browser cannot send the token in a header, so it comes as a second subprotocol; the first is confirmed.
    offered = socket.headers.get("sec-websocket-protocol", "").split(",")[0].strip()
    await socket.accept(subprotocol=SUBPROTOCOL if offered == SUBPROTOCOL else None)
    # After accepting: a browser tells its page nothing of a handshake that is denied.
    if state.connections >= state.settings.max_live:
        return await _end(socket, TRY_LATER, f"The server serves {state.settings.max_live} live conversations already.")
    state.connections += 1
    try:
        await _converse(socket, state)
    except WebSocketDisconnect:
        pass
    finally:
        state.connections -= 1


async def _converse(socket: WebSocket, state: State) -> None:
    settings, conversation, pause = state.settings, Conversing(state), 1 / state.settings.live_rate
    while True:
        began = time.monotonic()
        try:
            message = await asyncio.wait_for(socket.receive(), settings.live_idle)
        except asyncio.TimeoutError:
            return await _end(socket, NORMAL, f"Nothing was said for {settings.live_idle:.0f} seconds.")
        if message["type"] == "websocket.disconnect":
            return None
        try:
            reply = await conversation.answer(message.get("text"))
        except CrossspaceError as error:
            reply = as_json(content(str(refusal_of(error, state.names))), {})
        except Exception:
            await _end(socket, 1011, UNEXPECTED)
            raise
        await socket.send_text(reply.decode())
        # Slower reading instead of a refusal: the client's messages wait in its own connection.
        await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))


class Conversing:
    """One live conversation.

    Args:
        state: of the server.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._stream = state.analyzer.stream()
        self._past = self._stream.mark()  # as it was after the last message that was answered
        self._texts: list[str | None] = []

    async def answer(self, message: str | None) -> bytes:
        """The answer to one message, as JSON.

        Raises:
            CrossspaceError: it cannot be used; the conversation is as it was before.
        """
        settings = self._state.settings
        if message is None:
            raise Refusal(415, "A message should be text: one utterance as JSON. Found bytes.")
        if len(message) > settings.max_message:
            raise Refusal(413, f"A message may have {settings.max_message:,} characters. Found {len(message):,}.")
        posted: PostedUtterance = parse(PostedUtterance, message)
        if not posted.text and not posted.features:
            raise Refusal(422, "An utterance should have a text or features. Found neither.")
        texts = [*self._texts, posted.text]
        check_amount(texts, settings)
        utterance = posted.utterance(f"live_{len(self._texts)}")

        def job(_: object) -> tuple[bytes, Any]:
            # A job before this one may have been given up by us and gone on all the same.
            self._stream.rewind(self._past)
            reply = as_json(self._stream.push(utterance).to_dict(), self._state.names)
            return reply, self._stream.mark()

        with self._state.live.place() as place:
            reply, self._past = await place.run(job, timeout=settings.timeout)
        # Only once it is answered: a message that failed counts nowhere.
        self._texts = texts
        return reply


async def _end(socket: WebSocket, code: int, reason: str) -> None:
    await socket.send_text(json.dumps(content(reason)))
    # A closing frame has room for 123 bytes.
    await socket.close(code, reason=reason[:120])
