"""Refusals and every other error as answers over HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from crossspace.errors import CrossspaceError
from crossspace.serve.refusal import ENDS, UNEXPECTED, Refusal, content, refusal_of


def answer(refusal: Refusal) -> JSONResponse:
    """``{"error": {"message": ...}}``."""
    headers = {}
    if refusal.retry_after is not None:
        # Whole seconds, and never 0, which would mean at once.
        headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after)))
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(content(str(refusal)), status_code=refusal.status, headers=headers)


def handle_errors(app: FastAPI, names: Mapping[str, str], headers: Mapping[str, str]) -> None:
    """Let every error of ``app`` answer in this shape.

    Args:
        app: to set up.
        names: paths that may occur in messages, and what to say instead.
        headers: of the answer to an error that nobody foresaw, which passes by every other middleware.
    """

    @app.exception_handler(CrossspaceError)
    async def refused(request: Request, error: CrossspaceError) -> Response:
        return answer(refusal_of(error, names))

    @app.exception_handler(HTTPException)
    async def wrong(request: Request, error: HTTPException) -> Response:
        messages = {404: "There is nothing at this address.", 405: "This address does not know this method."}
        response = answer(Refusal(error.status_code, messages.get(error.status_code, str(error.detail))))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # The first part of a location only says "body" or "query".
        faults = [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.errors()]
        return answer(Refusal(422, "; ".join(faults)))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        # Nobody reads it, unless the server ends: some releases of uvicorn say then that the client has gone.
        return answer(Refusal(503, ENDS))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return JSONResponse(content(UNEXPECTED), status_code=500, headers=dict(headers))
