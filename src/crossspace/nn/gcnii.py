"""Deep graph convolutions with initial residual and identity mapping (GCNII, Chen et al., ICML 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class InitialResidual(nn.Module):
    """The maps of a stack of convolutions that all look back at the first nodes (GCNII*).

    With q what the nodes h received from their graph and H0 the first nodes, layer k = 1, 2, ... computes::

        ReLU( t [q || H0] W_k + (1 - t) ((1 - alpha) q + alpha H0) )    with t = ln(1 + theta / k)

    Args:
        width: d of the nodes.
        layers: K.
        alpha: share of the first nodes in what passes unmapped.
        theta: how much of a layer is mapped; less in every further layer.

    Note:
        Written as ``q A_k + H0 B_k``: the unmapped shares are multiples of the identity that are added to both halves
        of W_k. Nothing changes but the order of summation.
    """

    def __init__(self, width: int, layers: int, alpha: float, theta: float) -> None:
        super().__init__()
        self.alpha, self.theta = alpha, theta
        self.weight = nn.Parameter(torch.empty(layers, 2 * width, width))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)

    def maps(self) -> list[tuple[Tensor, Tensor]]:
        """A_k and B_k of every layer, (d, d) each."""
        layers, _, width = self.weight.shape
        kind = {"dtype": self.weight.dtype, "device": self.weight.device}
        mapped = torch.log1p(self.theta / torch.arange(1, layers + 1, **kind))[:, None, None]
        identity = torch.eye(width, **kind)
        unmapped = torch.cat([(1 - self.alpha) * identity, self.alpha * identity])
        both = mapped * self.weight + (1 - mapped) * unmapped
        return [tuple(both_k.split(width)) for both_k in both.unbind()]


def convolved(received: Tensor, first: Tensor, maps: tuple[Tensor, Tensor]) -> Tensor:
    """One layer: (..., d) what the nodes received and the first nodes, to (..., d)."""
    width = received.shape[-1]
    mapped = torch.addmm(first.reshape(-1, width) @ maps[1], received.reshape(-1, width), maps[0])
    return torch.relu(mapped).view_as(received)
