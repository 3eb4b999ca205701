"""What the endpoints of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fastapi import Request
from starlette.requests import HTTPConnection

from crossspace.errors import CrossspaceError
from crossspace.serve.lane import Lane, Place, Progress
from crossspace.serve.refusal import refusal_of
from crossspace.serve.security import check_token
from crossspace.serve.settings import Settings
from crossspace.serve.sharing import share
from crossspace.serve.workspace import Workspace

if TYPE_CHECKING:
    from crossspace.analysis.analyzer import Analyzer

Result = TypeVar("Result")


class State:
    """One analyzer, its lanes and the folder for uploads.

    Recordings, posted conversations and live ones have a lane each, so that none waits for the longest of another
    kind.

    Args:
        analyzer: what answers.
        settings: limits.
    """

    def __init__(self, analyzer: Analyzer, settings: Settings) -> None:
        self.analyzer, self.settings = analyzer, settings
        self.recordings = Lane("recordings", settings.max_queue)
        self.conversations = Lane("conversations", settings.max_queue)
        self.live = Lane("live", settings.max_live)
        self.connections = 0
        self.ending = asyncio.Event()
        for extractor in analyzer.extractors.values():
            share(extractor)

    @cached_property
    def workspace(self) -> Workspace:
        """Made when the server starts, removed when it ends."""
        return Workspace()

    @property
    def names(self) -> dict[str, str]:
        """Paths that may occur in messages and answers, and what clients call these things."""
        name = self.analyzer.predictor.name
        return {name: self.analyzer.name} if Path(name).parent.name else {}

    def close(self) -> None:
        """Stop the lanes and remove the uploads."""
        for lane in (self.recordings, self.conversations, self.live):
            lane.close()
        self.workspace.close()


def state_of(connection: HTTPConnection) -> State:
    """The state of the server that this connection came to."""
    state: State = connection.app.state.crossspace
    return state


async def token_shown(request: Request) -> None:
    """Dependency of every endpoint that wants the token."""
    check_token(request, state_of(request).settings)


async def work(
    request: Request, place: Place, job: Callable[[Progress], Result], names: dict[str, str] | None = None
) -> Result:
    """What ``job`` returns, from the lane of ``place``; faults become refusals without paths of the server."""
    state = state_of(request)
    names = {**state.names, **(names or {})}

    def clean(progress: Progress) -> Result:
        try:
            return job(progress)
        except CrossspaceError as error:
            raise refusal_of(error, names) from error

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return await place.run(clean, timeout=state.settings.timeout, gone=gone())
