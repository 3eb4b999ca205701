"""The engines by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossspace.engine.processes import Processes
from crossspace.engine.work import Item, Work
from crossspace.engine.workers import Engine, Workers
from crossspace.extras import optional_import


@dataclass(frozen=True)
class Local(Engine):
    """Processes of this machine."""

    def workers(
        self, work: Work[Item, Any], count: int, *, threads: int | None = None, lasting: bool = True
    ) -> Workers[Item]:
        """See :class:`~crossspace.engine.processes.Processes`."""
        return Processes(work, count, threads=threads, lasting=lasting)


@dataclass(frozen=True)
class Ray(Engine):
    """Actors of a Ray cluster.

    Attributes:
        address: of a running cluster; one is begun on this machine if there is none.
        gpus: that each actor asks for, perhaps a part of one.

    Raises:
        MissingExtraError: the extra ``ray`` is not installed; said before anything is written.
    """

    address: str | None = None
    gpus: float = 0.0

    def __post_init__(self) -> None:
        optional_import("ray", extra="ray")

    def workers(
        self, work: Work[Item, Any], count: int, *, threads: int | None = None, lasting: bool = True
    ) -> Workers[Item]:
        """See :class:`~crossspace.engine.ray_actors.RayActors`."""
        from crossspace.engine.ray_actors import RayActors

        return RayActors(work, count, address=self.address, gpus=self.gpus, threads=threads, lasting=lasting)
