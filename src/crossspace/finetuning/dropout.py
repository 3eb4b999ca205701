"""Dropout that a processor draws quickly, and attention that it computes quickly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

_LEVELS = 256
_COARSE = 8
"""Fewer of the levels than this are drawn in the usual way: a byte is too coarse for them."""
_PROJECTIONS = ("query", "q_proj", "q_lin", "query_proj", "Wqkv")
"""What modules of attention have."""


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) whose random numbers are bytes on a CPU: drawing others is a fourth of a step.

    The probability is rounded to 256ths, and what stays is divided by exactly what is left of it.

    Args:
        p: probability of an element to become zero.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self._level = p, round(_LEVELS * p)

    def forward(self, x: Tensor) -> Tensor:
        """(...) to the same shape."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu" or self._level < _COARSE:
            return F.dropout(x, self.p)
        words = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 8),))
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self._level
        return x * kept.to(x.dtype).mul_(_LEVELS / (_LEVELS - self._level))


def with_quick_dropout(network: nn.Module) -> None:
    """Replace what a network drops elements with; attention drops none, which would make it leave its quick way."""
    for module in network.modules():
        if any(hasattr(module, name) for name in _PROJECTIONS):
            for name in ("dropout", "attention_dropout"):
                # Libraries keep it as a module or as a number.
                if isinstance(getattr(module, name, None), nn.Dropout):
                    module.add_module(name, Dropout(0.0).train(module.training))
                elif isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Dropout:
                module.add_module(name, Dropout(child.p).train(child.training))


@contextmanager
def quick_attention(device: torch.device) -> Iterator[None]:
    """On a CPU, attention by plain products: over the few tokens of utterances the fused kernels take longer."""
    if device.type != "cpu":
        yield
        return
    with sdpa_kernel(SDPBackend.MATH):
        yield
