"""All that a training is at a moment: taken for a checkpoint, and put back when it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from crossspace.models.base import Model
from crossspace.reading import reading
from crossspace.training.checkpoint import CHECKPOINT, Checkpoints, load_checkpoint
from crossspace.training.event import Best
from crossspace.training.graphs import GraphedStep
from crossspace.training.history import History
from crossspace.training.rates import Rates
from crossspace.training.step import TrainingStep


@dataclass(frozen=True)
class Position:
    """Where in a training a checkpoint was taken.

    Attributes:
        epoch: the one that is next, or under way.
        done: steps of it that were taken.
        random: the random state of every process, where it is under way.
    """

    epoch: int = 0
    done: int = 0
    random: list[dict[str, Any]] | None = None


class TrainingState:
    """The parts of a training that remember something.

    Args:
        folder: of the training.
        model, averaged, rates, step: of it.
        history: where steps and epochs are written.
        seconds: between two checkpoints.
    """

    def __init__(
        self,
        folder: Path,
        model: Model,
        averaged: AveragedModel | None,
        rates: Rates,
        step: TrainingStep | GraphedStep,
        history: History,
        seconds: float,
    ) -> None:
        self.folder, self.model, self.averaged, self.rates, self.step = folder, model, averaged, rates, step
        self.history, self.checkpoints = history, Checkpoints(folder, seconds)
        self._length = 0
        self._step: Mapping[str, Any] = {}

    @property
    def kept(self) -> Model:
        """The model that is scored and kept: the averaged one where there is one."""
        return self.model if self.averaged is None else self._module(self.averaged)

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Write lines of the history; a checkpoint knows how long it was, and what came after is cut off again."""
        self._length = self.history.append(records)

    def save(self, position: Position, best: Best, weights: Mapping[str, Tensor] | None) -> None:
        """Write a checkpoint while the training goes on.

        Args:
            position: where the training is.
            best: the best epoch so far.
            weights: of that epoch, unless they are on the disk already.
        """
        state = {
            "epoch": position.epoch,
            "done": position.done,
            "random": position.random,
            "model": self.model.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "rates": self.rates.state_dict(),
            "step": self.step.state_dict(),
            "best": vars(best).copy(),
            "history": self._length,
        }
        kept = self.kept
        # The weights first: killed in between, the training finds the same ones again.
        self.checkpoints.save(state, lambda: None if weights is None else kept.save(self.folder, weights))

    def resume(self) -> tuple[Position, Best]:
        """Go back to the last checkpoint, or to the beginning where there is none; returns where that is."""
        state = load_checkpoint(self.folder)
        if state is None:
            # Lines without a checkpoint are of an epoch that begins again.
            self.history.truncate(0)
            return Position(), Best()
        self.model.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.rates.load_state_dict(state["rates"])
        self._step = state["step"]
        self.resume_step()
        self._length = state["history"]
        self.history.truncate(self._length)
        return Position(state["epoch"], state.get("done", 0), state.get("random")), Best(**state["best"])

    def resume_step(self) -> None:
        """Put back what the step remembers, again where the beginning of its epoch has been repeated."""
        advice = f"Remove the folder {self.folder} and resume: this seed starts again, finished seeds stay."
        # A balancer of another release may have kept it in another form.
        with reading(self.folder / CHECKPOINT, "the state of a training by this release", advice):
            self.step.load_state_dict(dict(self._step))

    @staticmethod
    def _module(averaged: AveragedModel) -> Model:
        module: nn.Module = averaged.module
        assert isinstance(module, Model)
        return module
