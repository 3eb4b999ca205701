"""What the endpoints of one server share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from starlette.requests import HTTPConnection

from crossspace.components import imported
from crossspace.errors import CrossspaceError
from crossspace.features.speech.transcribing import Transcribing
from crossspace.serve.arrivals import Arrivals
from crossspace.serve.extracting import Wanted, prepare
from crossspace.serve.lane import Lane, Progress, QueuePlace
from crossspace.serve.refusal import refusal_of
from crossspace.serve.security import check_token
from crossspace.serve.settings import Settings
from crossspace.serve.sharing import share
from crossspace.serve.stages import Stages
from crossspace.serve.worker import Worker
from crossspace.serve.workspace import Workspace

if TYPE_CHECKING:
    from crossspace.analysis.analyzer import Analyzer

Result = TypeVar("Result")
LOOK = 30.0
"""Seconds that a look at what has arrived may take: reading all packets of a recording takes one or two."""
_LOOK_MEMORY = 2**30
"""Bytes that a look may take: fifty times the largest conversation."""
_ARRIVALS = 4
"""Uploads that may arrive for each that may be inside."""


class State:
    """One analyzer, its lanes, its workers and the folder for uploads.

    Recordings, posted conversations and live ones have a lane each, so that none waits for the longest of another
    kind; so have the looks at what has arrived, which come before.

    Args:
        analyzer: what answers.
        settings: limits.
    """

    def __init__(self, analyzer: Analyzer, settings: Settings) -> None:
        self.analyzer, self.settings = analyzer, settings
        self.recordings = Lane("recordings", settings.max_queue)
        self.conversations = Lane("conversations", settings.max_queue)
        self.live = Lane("live", settings.max_live)
        self.arrivals = Arrivals(_ARRIVALS * settings.max_queue, settings.least_rate, settings.stall)
        self.looks = Lane("looks", _ARRIVALS * settings.max_queue)
        self.looker, self.extractor = Worker("look", memory=_LOOK_MEMORY), Worker("extract", imports=imported())
        self.connections, self.stages = 0, Stages()
        self.ending = asyncio.Event()
        # Of an analyzer that never listens by itself there is nothing to say.
        self.transcribing: Transcribing | None = getattr(analyzer, "transcribing", None)
        # The lanes are threads of one process and use the same text extractor.
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

    @property
    def wanted(self) -> Wanted:
        """What a worker needs to build the extractors of sound and pictures."""
        how = self.analyzer.wanted
        return {m: (e.identity, how.get(m)) for m, e in self.analyzer.extractors.items() if m != "text"}

    def prepare(self) -> None:
        """Have the worker load what transcribes, if anything does, before the first recording comes.

        Raises:
            CrossspaceError: it cannot be had.
        """
        if self.transcribing is not None:
            self.extractor.call(prepare, self.wanted, self.transcribing)

    def close(self) -> None:
        """Stop the lanes and remove the uploads."""
        for lane in (self.looks, self.recordings, self.conversations, self.live):
            lane.close()
        for worker in (self.looker, self.extractor):
            worker.end()
        self.workspace.close()


def state_of(connection: HTTPConnection) -> State:
    """The state of the server that this connection came to."""
    state: State = connection.app.state.crossspace
    return state


async def token_shown(request: Request) -> None:
    """Dependency of every endpoint that wants the token."""
    check_token(request, state_of(request).settings)


async def look(request: Request, until: float, function: Callable[..., Result], *arguments: Any) -> Result:
    """``function(*arguments, said)`` in the worker that looks at what has arrived.

    Raises:
        Refusal: 504, it takes longer than :data:`LOOK` seconds, or the time of the request is over.
        CrossspaceError: raised over there.
    """
    state = state_of(request)
    with state.looks.place() as place:

        def job(progress: Progress) -> Result:
            result: Result = state.looker.call(function, *arguments, said=progress)
            return result

        return await work(request, place, job, min(until, time.monotonic() + LOOK))


async def work(
    request: Request,
    place: QueuePlace,
    job: Callable[[Progress], Result],
    until: float,
    names: dict[str, str] | None = None,
) -> Result:
    """What ``job`` returns, from the lane of ``place``; faults become refusals without paths of the server.

    Args:
        request: its client may go away meanwhile.
        place: in a lane.
        job: what is to be done.
        until: when the time of the request is over.
        names: paths that may occur in messages, and what clients call these things.
    """
    state = state_of(request)
    names = {**state.names, **(names or {})}

    def clean(progress: Progress) -> Result:
        try:
            return job(progress)
        except CrossspaceError as error:
            raise refusal_of(error, names) from error

    async def disconnected() -> None:
        # The body is read by now; what else comes is the end of the connection.
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return await place.run(clean, timeout=max(0.0, until - time.monotonic()), disconnected=disconnected())
