"""The Pareto Gradient Modulator (PGM): weights from the directions of the objectives' gradients."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from crossspace.balance.base import Balancer, Space
from crossspace.balance.simplex import ZERO, pareto_weights
from crossspace.errors import UsageError


class ParetoGradientModulator(Balancer):
    """At every step, gamma = argmin of ``gamma^T Q gamma`` on the simplex, Q the cosines of the objectives' gradients.

    Paper, equations 14 to 16; the program is solved exactly (:func:`pareto_weights` says how ties and zero
    gradients are decided), where the released code runs an iterative solver on the host.

    Args:
        space: ``parameters`` compares gradients over the shared parameters (the paper); ``representation`` over the
            shared representation, which needs one backward pass through the encoders instead of K.
        apply: ``losses`` multiplies the raw losses by gamma (the paper and the released code). ``unit`` steps along
            ``sum gamma_k g_k / |g_k|``, the direction that the program is about, times the mean length of the
            gradients; only this direction is sure to ascend no objective.
        every: renew the weights on every ``every``-th step only.
    """

    name = "pgm"
    needs = "gram"

    def __init__(
        self, space: Space = "parameters", apply: Literal["losses", "unit"] = "losses", every: int = 1
    ) -> None:
        if space not in ("parameters", "representation"):
            raise UsageError(f"`space` should be 'parameters' or 'representation'. Found {space!r}.")
        if apply not in ("losses", "unit"):
            raise UsageError(f"`apply` should be 'losses' or 'unit'. Found {apply!r}.")
        if every < 1:
            raise UsageError(f"`every` should be at least 1. Found {every}.")
        self.space: Space = space
        self.apply, self.every = apply, every

    @property
    def about_weights(self) -> str:  # type: ignore[override]
        """What the weights add up to."""
        if self.apply == "losses":
            return "The weights sum to 1."
        return (
            "Each weight is a share, of shares that sum to 1, times the mean length of the gradients over the length "
            "of its own; the weights have no fixed sum."
        )

    def on_device(self, objectives: int) -> bool:
        """Up to three have a closed form; more are solved on the host."""
        return objectives <= 3

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) gamma, or gamma over the lengths of the gradients when the unit direction is applied."""
        if gram is None:
            raise ValueError("PGM needs the Gram matrix of the objectives' gradients. Found none.")
        gamma = pareto_weights(gram)
        if self.apply == "losses":
            return gamma
        norms = gram.detach().to(torch.float64).diagonal().clamp(min=0.0).sqrt()
        active = norms > ZERO * norms.max()
        scale = torch.where(active, norms, 0.0).sum() / active.sum().clamp(min=1)
        return torch.where(active, gamma * scale / torch.where(active, norms, 1.0), 0.0)
