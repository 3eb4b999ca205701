"""How far two ways of computing one model lie apart: logits, losses, gradients, in float64 and without dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.base import Model
from crossspace.objectives.base import Objective
from crossspace.output import Output

Forward = Callable[[Batch], Output]


def loss_parts(
    objectives: Iterable[Objective], output: Output, batch: Batch, class_weights: Tensor | None = None
) -> dict[str, Tensor]:
    """The mean of every part of every objective, by name."""
    parts = [o.parts(output, batch, class_weights) for o in objectives]
    return {name: part.total / part.count for each in parts for name, part in each.items()}


def differences(
    model: Model,
    released: Callable[[Model, Batch], Output],
    batch: Batch,
    class_weights: Tensor | None = None,
    seed: int = 0,
    released_objectives: Iterable[Objective] | None = None,
) -> dict[str, float]:
    """The largest difference by what differs, relative to the largest number among the logits, losses, gradients.

    Args:
        model: in training mode, without dropout; made float64.
        released: the other way, from the model and a batch.
        batch: conversations.
        class_weights: (C,) of the objectives that take them.
        seed: of what either draws by chance.
        released_objectives: of the other way, with parts of the same names; those of the model if none.

    Returns:
        ``logits``, the names of the losses, and the names of the parameters.
    """
    model.double()
    exact = replace(batch, features={m: x.double() for m, x in batch.features.items()})
    own = model.objectives()
    ours = _evaluated(model, model, exact, class_weights, seed, own)
    theirs = _evaluated(model, lambda b: released(model, b), exact, class_weights, seed, released_objectives or own)
    return {
        name: float((theirs[kind][name] - value).abs().max()) / scale
        for kind, values in ours.items()
        for scale in [max(float(v.abs().max()) for v in values.values())]
        for name, value in values.items()
    }


def _evaluated(
    model: Model,
    forward: Forward,
    batch: Batch,
    class_weights: Tensor | None,
    seed: int,
    objectives: Iterable[Objective],
) -> dict[str, dict[str, Tensor]]:
    torch.manual_seed(seed)
    model.zero_grad()
    output = forward(batch)
    losses = loss_parts(objectives, output, batch, class_weights)
    torch.stack(list(losses.values())).sum().backward()
    gradients = {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}
    return {
        "output": {"logits": output.logits.detach(), **{f"logits.{m}": x.detach() for m, x in output.unimodal.items()}},
        "losses": {name: loss.detach() for name, loss in losses.items()},
        "gradients": gradients,
    }
