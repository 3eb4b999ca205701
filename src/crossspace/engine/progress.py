"""How far work is: of several trainings, of many parts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Progress:
    """How many trainings stand.

    Attributes:
        total: trainings (of a study also measurements) in all.
        done: how many of them are finished.
        running: ``{job: fraction}`` of those under way.
        failed: how many failed.
        text: the latest news.
    """

    total: int
    done: int = 0
    running: dict[str, float] = field(default_factory=dict)
    failed: int = 0
    text: str = ""

    @property
    def completed(self) -> float:
        """Finished trainings and the fractions of those under way."""
        return self.done + self.failed + sum(self.running.values())


@dataclass(frozen=True)
class PartsProgress:
    """How much of what is made in parts stands.

    Attributes:
        done, total: recordings, or conversations.
        failed: those with which it failed.
        text: the latest news.
    """

    done: int
    total: int
    failed: int = 0
    text: str = ""
