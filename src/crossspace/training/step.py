"""One training step: forward, objectives, balanced gradient, update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.gradients import Reduce, balanced_backward
from crossspace.batching.batch import Batch
from crossspace.models.base import Model
from crossspace.objectives.base import Objective
from crossspace.output import Output


@dataclass(frozen=True, eq=False)
class StepRecord:
    """What happened in a step, as one tensor that stays on the device until somebody reads it.

    Attributes:
        names: what each value is: ``losses/<objective>``, ``parts/<part>``, ``weights/<objective>``,
            ``norms/<objective>``, ``cosines/<objective>/<objective>``.
        values: (len(names),) float64.
        broken: () float32, 1 when a loss or gradient was not finite and the update was refused, else 0.
    """

    names: tuple[str, ...]
    values: Tensor
    broken: Tensor


class TrainingStep:
    """Takes a batch and moves the parameters by one step.

    The order of events: forward to the shared representation; forward to the objectives; counts summed over
    processes; one gradient from all objectives (:func:`balanced_backward`); clipping; update. A loss or gradient that
    is not finite leaves parameters and optimizer as they were.

    Args:
        model: to be trained.
        balancer: weighs the objectives.
        optimizer: a fused Adam or AdamW over the parameters of ``model``; it can refuse an update on the device.
        class_weights: (C,) or None.
        clip: largest norm of the whole gradient, or None.
        autocast: gives the context of the forward computation, for mixed precision.
        reduce: sums over processes, or None for a single one.
    """

    def __init__(
        self,
        model: Model,
        balancer: Balancer,
        optimizer: torch.optim.Optimizer,
        class_weights: Tensor | None = None,
        clip: float | None = None,
        autocast: Callable[[], AbstractContextManager] = nullcontext,
        reduce: Reduce | None = None,
    ) -> None:
        self.model, self.balancer, self.optimizer = model, balancer, optimizer
        self.objectives: Sequence[Objective] = model.objectives()
        self.class_weights, self.clip, self.autocast, self.reduce = class_weights, clip, autocast, reduce
        # Here, once, for every model: what is frozen takes no gradient, whatever part of a model it is.
        self.shared = [p for p in model.shared_parameters() if p.requires_grad]
        shared = {id(p) for p in self.shared}
        self.others = [p for p in model.parameters() if id(p) not in shared and p.requires_grad]
        self.count = 0
        self.weights: Tensor | None = None

    def __call__(self, batch: Batch) -> StepRecord:
        """Train on ``batch``, this process's part of the global batch."""
        with self.autocast():
            representation = self.model.encode(batch)
            leaves = {m: z.detach().requires_grad_() for m, z in representation.items()}
            output = self.model.decode(leaves, batch)
        losses, parts = self._losses(output, batch)
        renew = self.weights is None or self.count % self.balancer.every == 0
        balance = balanced_backward(
            losses,
            representation,
            leaves,
            self.shared,
            self.others,
            self.balancer,
            previous=None if renew else self.weights,
            reduce=self.reduce,
        )
        self.weights = balance.weights
        record = self._record(losses, parts, balance.weights, balance.gram)
        self._update(record.broken)
        self.count += 1
        return record

    def state_dict(self) -> dict[str, Any]:
        """How many steps were taken, the weights in force, and what the balancer remembers."""
        return {"count": self.count, "weights": self.weights, "balancer": self.balancer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.count, weights = state["count"], state["weights"]
        self.weights = None if weights is None else weights.to(next(self.model.parameters()).device)
        self.balancer.load_state_dict(state["balancer"])

    def _losses(self, output: Output, batch: Batch) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Objectives as sums over this process's rows divided by counts over all processes."""
        named = [objective.parts(output, batch, self.class_weights) for objective in self.objectives]
        counts = torch.stack([part.count for parts in named for part in parts.values()])
        if self.reduce is not None:
            self.reduce([counts])
        counts = torch.where(counts > 0, counts, 1.0)
        means: dict[str, Tensor] = {}
        losses, index = [], 0
        for parts in named:
            values = []
            for name, part in parts.items():
                means[name] = part.total / counts[index]
                values.append(means[name])
                index += 1
            losses.append(torch.stack(values).sum())
        return losses, means

    def _update(self, broken: Tensor) -> None:
        gradients = [p.grad for p in (*self.shared, *self.others) if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        broken.copy_(torch.maximum(broken, (~torch.isfinite(norm)).to(broken.dtype)))
        if self.clip is not None:
            factor = (self.clip / (norm + 1e-6)).clamp(max=1.0)
            torch._foreach_mul_(gradients, torch.where(torch.isfinite(factor), factor, 1.0))
        self.optimizer.found_inf = broken  # type: ignore[attr-defined]
        self.optimizer.step()
        for parameter in (*self.shared, *self.others):
            parameter.grad = None

    @torch.no_grad()
    def _record(
        self, losses: Sequence[Tensor], parts: dict[str, Tensor], weights: Tensor, gram: Tensor | None
    ) -> StepRecord:
        names = [objective.name for objective in self.objectives]
        values = torch.stack([*losses, *parts.values()]).double()
        if self.reduce is not None:
            self.reduce([values])
        labels = [*(f"losses/{n}" for n in names), *(f"parts/{n}" for n in parts), *(f"weights/{n}" for n in names)]
        columns = [values, weights.double()]
        if gram is not None:
            norms = gram.diagonal().clamp(min=0).sqrt()
            pairs = list(combinations(range(len(names)), 2))
            labels += [f"norms/{n}" for n in names] + [f"cosines/{names[i]}/{names[j]}" for i, j in pairs]
            product = torch.where(norms > 0, norms, 1.0)
            cosines = gram / product.unsqueeze(0) / product.unsqueeze(1)
            columns += [norms, *(cosines[i, j].reshape(1) for i, j in pairs)]
        everything = torch.cat(columns)
        broken = (~torch.isfinite(everything).all()).to(torch.float32)
        return StepRecord(tuple(labels), everything, broken)
