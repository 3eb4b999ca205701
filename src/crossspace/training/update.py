"""From the gradient of a step to new parameters: clipping, modulation, the optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from crossspace.errors import UsageError, suggestion
from crossspace.models.base import Model
from crossspace.nn.batch_norm import BatchNorm

ClipPer = Literal["model", "tensor"]


class Update:
    """Moves the parameters along their gradients, or refuses to where something is not finite.

    Args:
        model: what is trained.
        parameters: of it, those that are trained.
        optimizer: a fused Adam or AdamW; it can refuse an update on the device.
        clip: largest norm of a gradient, or None.
        clip_per: whether ``clip`` bounds the norm of the gradient of the whole model or of every tensor.
    """

    def __init__(
        self,
        model: Model,
        parameters: Sequence[nn.Parameter],
        optimizer: torch.optim.Optimizer,
        clip: float | None,
        clip_per: ClipPer,
    ) -> None:
        self.model, self.parameters, self.optimizer = model, parameters, optimizer
        self.clip, self.clip_per = clip, clip_per
        self.norms = [module for module in model.modules() if isinstance(module, BatchNorm)]
        self._noise: torch.Generator | None = None

    def begin_epoch(self) -> None:
        """Start the noise of this epoch from PyTorch's random state, which is then the same in all processes."""
        seed = int(torch.randint(2**62, ()))
        self._noise = torch.Generator(self.parameters[0].device).manual_seed(seed)

    @property
    def noise(self) -> Tensor | None:
        """Where the noise of this epoch stands; None without any."""
        return None if self._noise is None else self._noise.get_state()

    @noise.setter
    def noise(self, state: Tensor | None) -> None:
        self._noise = None
        if state is not None:
            self._noise = torch.Generator(self.parameters[0].device)
            self._noise.set_state(state)

    def __call__(self, broken: Tensor, factors: Mapping[str, Tensor], noise: bool = False) -> None:
        """One update; gradients are gone afterwards.

        Args:
            broken: () not zero when the step is to be refused; it is set when a gradient is not finite.
            factors: by parameter group, what its gradients are multiplied by after clipping.
            noise: also add noise to these gradients.
        """
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = self._clip(gradients)
        broken.copy_(torch.maximum(broken, (~torch.isfinite(norm)).to(broken.dtype)))
        for group, factor in factors.items():
            self._scale(self._gradients_of(group), factor, noise)
        # What mixed precision uses: the kernel leaves everything as it is where this is not 0.
        self.optimizer.found_inf = broken  # type: ignore[attr-defined]
        self.optimizer.step()
        for module in self.norms:
            # Running statistics were held back until it is known whether the step counts.
            module.commit(refused=broken)
        for parameter in self.parameters:
            # Not zero: what the next step does not reach is then told from what it reaches with zero.
            parameter.grad = None

    def _clip(self, gradients: list[Tensor]) -> Tensor:
        """Shorten what is too long; returns the norm of the whole gradient before."""
        if self.clip is not None and self.clip_per == "tensor" and gradients:
            # One launch for all tensors instead of one for each.
            norms = torch._foreach_norm(gradients)
            torch._foreach_mul_(gradients, [self._factor(norm) for norm in norms])
            return torch.linalg.vector_norm(torch.stack(norms))
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        if self.clip is not None:
            torch._foreach_mul_(gradients, self._factor(norm))
        return norm

    def _factor(self, norm: Tensor) -> Tensor:
        assert self.clip is not None
        # As PyTorch's clipping has it, which published figures were made with.
        factor = (self.clip / (norm + 1e-6)).clamp(max=1.0)
        # NaN would spread to every gradient; the step is refused by its norm anyway.
        return torch.where(torch.isfinite(factor), factor, 1.0)

    def _gradients_of(self, group: str) -> list[Tensor]:
        groups = self.model.parameter_groups()
        if group not in groups:
            raise UsageError(f"The modulation names the parameter group {group!r}. {suggestion(group, groups)}")
        return [p.grad for p in groups[group] if p.grad is not None]

    def _scale(self, gradients: list[Tensor], factor: Tensor, noise: bool) -> None:
        if not gradients:
            return
        torch._foreach_mul_(gradients, factor.to(gradients[0].dtype))
        if noise:
            for gradient in gradients:
                # A single entry has no sample deviation.
                deviation = gradient.std(correction=min(1, gradient.numel() - 1)) + 1e-8
                drawn = torch.empty_like(gradient).normal_(generator=self._noise)
                gradient.addcmul_(drawn, deviation)
