"""What happened in a training step, as numbers that stay on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from crossspace.balance.gradients import Balance, Reduce


@dataclass(frozen=True, eq=False)
class StepRecord:
    """What happened in a step, as one tensor that stays on the device until somebody reads it.

    Attributes:
        names: what each value is: ``losses/<objective>``, ``parts/<part>``, ``weights/<objective>``,
            ``norms/<objective>``, ``cosines/<objective>/<objective>``, ``modulation/<parameter group>``.
        values: (len(names),) float64.
        broken: () float32, 1 when a loss or gradient was not finite and the update was refused, else 0.
    """

    names: tuple[str, ...]
    values: Tensor
    broken: Tensor


@torch.no_grad()
def step_values(
    objectives: Sequence[str],
    losses: Tensor,
    parts: Mapping[str, Tensor],
    balance: Balance,
    factors: Mapping[str, Tensor],
    reduce: Reduce | None,
) -> StepRecord:
    """Put the numbers of a step together.

    Args:
        objectives: their K names.
        losses: (K,) this process's share of their values.
        parts: likewise of the parts of objectives, by name.
        balance: the weights and the Gram matrix behind them.
        factors: of the modulation, by parameter group.
        reduce: sums over processes.
    """
    # In float64, so that sums over processes do not depend on how many there are to the digits that are read.
    values = torch.cat([losses, torch.stack(list(parts.values()))]).double()
    if reduce is not None:
        reduce([values])
    labels = [f"{kind}/{n}" for kind, names in (("losses", objectives), ("parts", parts)) for n in names]
    labels += [f"weights/{n}" for n in objectives]
    columns = [values, balance.weights.double()]
    if balance.gram is not None:
        labels += [f"norms/{n}" for n in objectives]
        labels += [f"cosines/{a}/{b}" for a, b in combinations(objectives, 2)]
        columns += _geometry(balance.gram)
    labels += [f"modulation/{n}" for n in factors]
    columns += [factor.double().reshape(1) for factor in factors.values()]
    everything = torch.cat(columns)
    broken = (~torch.isfinite(everything).all()).to(torch.float32)
    return StepRecord(tuple(labels), everything, broken)


def _geometry(gram: Tensor) -> list[Tensor]:
    """The K lengths of the gradients, and the cosine of every pair."""
    norms = gram.diagonal().clamp(min=0).sqrt()
    # A gradient of zero has no direction; its cosines are 0.
    scale = torch.where(norms > 0, norms, 1.0)
    cosines = gram / scale.unsqueeze(0) / scale.unsqueeze(1)
    return [norms, *(cosines[i, j].reshape(1) for i, j in combinations(range(len(gram)), 2))]
