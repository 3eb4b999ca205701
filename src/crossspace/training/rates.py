"""The optimizer of a training, and its learning rates from step to step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from crossspace.models.base import Model
from crossspace.training.options import TrainingOptions
from crossspace.training.schedule import Plateau, learning_rate_factor

Group = tuple[list[nn.Parameter], float]
"""Parameters, and what their learning rate is multiplied by."""


class Rates:
    """An optimizer whose groups of parameters follow one schedule, each with a factor of its own.

    Args:
        model: what is trained.
        options: which optimizer and schedule.
        steps: of the whole training.
    """

    def __init__(self, model: Model, options: TrainingOptions, steps: int) -> None:
        self.options, self.steps = options, steps
        groups = parameter_groups(model)
        self.factors = [factor for _, factor in groups]
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options.optimizer]
        self.optimizer: torch.optim.Optimizer = kind(
            [{"params": parameters, "lr": _held(options, parameters[0].device)} for parameters, _ in groups],
            weight_decay=options.weight_decay,
            amsgrad=options.amsgrad,
            # The fused kernels alone can refuse an update on the device, without the host looking.
            fused=True,
            capturable=options.graphs,
        )
        self.plateau = Plateau(options.plateau_factor, options.plateau_patience, options.plateau_on == "score")

    def set(self, step: int) -> float:
        """Give every group its rate for ``step``; returns that of a group with factor 1."""
        rate = self.options.learning_rate
        rate *= learning_rate_factor(self.options.schedule, step, self.steps, self.options.warmup)
        if self.options.schedule == "plateau":
            rate *= self.plateau.rate
        for group, factor in zip(self.optimizer.param_groups, self.factors, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * factor)
            else:
                group["lr"] = rate * factor
        return rate

    def look(self, score: float, loss: float) -> None:
        """Take note of how an epoch ended."""
        self.plateau.look(score if self.options.plateau_on == "score" else loss)

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimizer and of the schedule."""
        optimizer = self.optimizer.state_dict()
        # The same whether steps are recorded or not, so that a training may go on either way.
        optimizer["param_groups"] = [
            {**group, "lr": float(group["lr"]), "capturable": False} for group in optimizer["param_groups"]
        ]
        return {"optimizer": optimizer, "plateau": self.plateau.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        own = [(group["lr"], group["capturable"]) for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, (rate, capturable) in zip(self.optimizer.param_groups, own, strict=True):
            # Rates are set before every step; what holds them is a matter of this training.
            group["lr"], group["capturable"] = rate, capturable
        self.plateau.load_state_dict(state["plateau"])


def _held(options: TrainingOptions, device: torch.device) -> float | Tensor:
    """What holds a learning rate: a tensor where steps are recorded, since these read it by its address."""
    rate = options.learning_rate
    return torch.tensor(rate, dtype=torch.float32, device=device) if options.graphs else rate


def parameter_groups(model: Model) -> list[Group]:
    """What of a model is trained, by rate; a single group unless the model names rate factors."""
    named, factors = model.parameter_groups(), model.rate_factors()
    chosen = {name: [p for p in named[name] if p.requires_grad] for name in factors}
    apart = {id(p) for parameters in chosen.values() for p in parameters}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in apart]
    groups = [(rest, 1.0), *((chosen[name], factor) for name, factor in factors.items())]
    # An optimizer refuses an empty group; everything of one may be frozen.
    return [(parameters, factor) for parameters, factor in groups if parameters]
