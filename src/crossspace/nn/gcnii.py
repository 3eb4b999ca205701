"""Deep graph convolutions with initial residual and identity mapping (GCNII, Chen et al., ICML 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Maps = tuple[Tensor, Tensor]
"""Of one layer, (d, d) each: what is received is multiplied by the first, the first nodes by the second."""


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

    def maps(self) -> list[Maps]:
        """A_k and B_k of every layer."""
        layers, _, width = self.weight.shape
        dtype, device = self.weight.dtype, self.weight.device
        depths = torch.arange(1, layers + 1, dtype=dtype, device=device)[:, None, None]
        mapped = torch.log1p(self.theta / depths)
        identity = torch.eye(width, dtype=dtype, device=device)
        unmapped = torch.cat([(1 - self.alpha) * identity, self.alpha * identity])
        both = mapped * self.weight + (1 - mapped) * unmapped
        return [(of_layer[:width], of_layer[width:]) for of_layer in both.unbind()]


def convolved(received: Tensor, first: Tensor, maps: Maps) -> Tensor:
    """One layer: (..., d) what the nodes received and the first nodes, to (..., d)."""
    width = received.shape[-1]
    mapped = torch.addmm(first.reshape(-1, width) @ maps[1], received.reshape(-1, width), maps[0])
    return torch.relu(mapped).view_as(received)
