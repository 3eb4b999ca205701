from __future__ import annotations

import math

import torch

from crossspace.nn.gcnii import InitialResidual, convolved


def test_a_layer_maps_less_the_deeper_it_lies_and_keeps_a_share_of_the_first_nodes() -> None:
    torch.manual_seed(0)
    layers = InitialResidual(3, 4, alpha=0.3, theta=0.7).double()
    q, first = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 3, dtype=torch.float64)
    for k, maps in enumerate(layers.maps(), start=1):
        t = math.log(1 + 0.7 / k)
        mapped = torch.cat([q, first], dim=2) @ layers.weight[k - 1]
        expected = torch.relu(t * mapped + (1 - t) * (0.7 * q + 0.3 * first))
        torch.testing.assert_close(convolved(q, first, maps), expected, rtol=1e-12, atol=1e-12)


def test_weights_start_within_the_root_of_the_width() -> None:
    weight = InitialResidual(100, 2, 0.1, 0.5).weight
    assert weight.shape == (2, 200, 100)
    assert 0.099 < weight.abs().max() <= 0.1
