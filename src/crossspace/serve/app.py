"""The application: endpoints, the page, and what guards them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from crossspace import __version__
from crossspace.serve import about, analyze, export, live, predict, preview, progress
from crossspace.serve.ending import Ending
from crossspace.serve.error_answers import handle_errors
from crossspace.serve.security import HEADERS, Guard
from crossspace.serve.settings import Settings
from crossspace.serve.state import State

if TYPE_CHECKING:
    from crossspace.analysis.analyzer import Analyzer

PAGE = Path(str(files("crossspace.serve") / "page"))
TIMELINE = Path(str(files("crossspace.analysis") / "timeline"))

_ABOUT = """From conversations to one emotion per utterance.

Post a recording or a transcript to `/v1/analyze`, a conversation as JSON to `/v1/predict`, or talk over the WebSocket
`/v1/live`: send `{"speaker": ..., "text": ...}`, receive one utterance as in the answers of the others.
`/v1/transcript` says what a transcript is understood as, `/v1/export` turns an analysis that was corrected into a file.
Every error is `{"error": {"message": ...}}`. A server with a token wants `Authorization: Bearer TOKEN`."""


def create_app(analyzer: Analyzer, settings: Settings) -> FastAPI:
    """The application that serves ``analyzer``.

    Args:
        analyzer: loaded.
        settings: limits; what they say of host and token is enforced here too.
    """
    state = State(analyzer, settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        # Made now: a server without a place for uploads should fail at the start, not at the first of them.
        _ = state.workspace
        # Its imports take seconds, which the first request would wait.
        state.looker.begin()
        try:
            yield
        finally:
            state.close()

    # The interactive documentation of FastAPI loads its scripts from elsewhere; the page at /docs is our own.
    app = FastAPI(
        title="crossspace", version=__version__, description=_ABOUT, lifespan=life, docs_url=None, redoc_url=None
    )
    app.state.crossspace = state
    app.add_middleware(Ending, ending=state.ending)
    # Added last, so asked first: what the guard turns away reaches nothing else.
    app.add_middleware(Guard, settings=settings)
    handle_errors(app, state.names, HEADERS)
    for module in (about, preview, analyze, progress, predict, export, live):
        app.include_router(module.router)
    _serve_page(app)
    return app


def _serve_page(app: FastAPI) -> None:
    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=PAGE, check_dir=False))
    app.mount("/timeline", StaticFiles(directory=TIMELINE, check_dir=False))
