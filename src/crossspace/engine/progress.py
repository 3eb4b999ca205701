"""How far work of several trainings is."""

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
