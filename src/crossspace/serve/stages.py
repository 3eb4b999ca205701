"""How far the requests are that are worked on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crossspace.serve.preview_schemas import Stage
from crossspace.serve.refusal import Refusal

_PART = re.compile(r"(\w+), ([\d,]+) of ([\d,]+)(?: .*)?", re.DOTALL)


class Stages:
    """What is being done for each of the requests that gave themselves a name.

    There is an entry only while its request is open, so there are no more of them than connections.
    """

    def __init__(self) -> None:
        self._stages: dict[str, str] = {}

    @contextmanager
    def of(self, job: str | None) -> Iterator[Callable[[str], None]]:
        """A request until the block ends; what is given is told what is being done.

        Raises:
            Refusal: 422, another request has this name.
        """
        if job is None:
            yield lambda stage: None
            return
        if job in self._stages:
            raise Refusal(422, "Another request has this name of a job. Choose a longer, random one.")
        self._stages[job] = "arriving"
        try:
            yield lambda stage: self._stages.__setitem__(job, stage)
        finally:
            del self._stages[job]

    def stage(self, job: str) -> Stage:
        """How far a request is."""
        stage = self._stages.get(job)
        if stage is not None and (part := _PART.fullmatch(stage)):
            return Stage(stage=part[1], done=_count(part[2]), of=_count(part[3]))
        return Stage(stage=stage)


def _count(written: str) -> int:
    return int(written.replace(",", ""))
