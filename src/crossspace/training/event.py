"""What is told of a training while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Best:
    """The epoch to keep so far."""

    epoch: int = -1
    score: float = -1.0


@dataclass(frozen=True)
class Event:
    """What a progress display may show after a step or an epoch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    record: dict[str, Any]
    best: Best
