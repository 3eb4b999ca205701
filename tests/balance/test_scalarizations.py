"""Balancers whose weights are the derivative of one function of the losses: that they are, and known answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from crossspace.balance import PBI, STCH, Balancer, GeometricMean, RandomWeights
from crossspace.errors import UsageError

LOSSES = st.lists(st.floats(1e-3, 10), min_size=1, max_size=8).map(lambda x: torch.tensor(x, dtype=torch.float64))


def even(losses: Tensor) -> Tensor:
    return torch.full_like(losses, 1 / len(losses))


def geometric_mean(losses: Tensor) -> Tensor:
    return losses.prod() ** (1 / len(losses))


def smooth_maximum(losses: Tensor) -> Tensor:
    return 0.1 * torch.logsumexp(even(losses) * losses / 0.1, 0)


def boundary_intersection(losses: Tensor) -> Tensor:
    direction = even(losses) / even(losses).norm()
    along = losses @ direction
    return along + 5.0 * (losses - along * direction).norm()


@pytest.mark.parametrize(
    ("balancer", "function"),
    [(GeometricMean(), geometric_mean), (STCH(), smooth_maximum), (PBI(), boundary_intersection)],
    ids=lambda x: getattr(x, "name", ""),
)
@given(losses=LOSSES)
@settings(max_examples=50)
def test_weights_are_the_derivative_of_the_function(
    balancer: Balancer, function: Callable[[Tensor], Tensor], losses: Tensor
) -> None:
    if isinstance(balancer, PBI) and losses.std(correction=0) < 0.1 * losses.norm() / len(losses) ** 0.5:
        return  # near where the distance is zero it has no derivative, and ours is smooth
    at = losses.clone().requires_grad_()
    (derivative,) = torch.autograd.grad(function(at), at)
    torch.testing.assert_close(balancer.weights(losses), derivative, rtol=1e-7, atol=1e-9)


@given(LOSSES)
@settings(max_examples=25)
def test_another_library_has_the_same_derivatives(losses: Tensor) -> None:
    library = pytest.importorskip("torchjd.scalarization")
    at = losses.clone().requires_grad_()
    preference = torch.arange(1.0, len(losses) + 1, dtype=torch.float64)
    shares = preference / preference.sum()
    given_ = preference.tolist()
    pairs: list[tuple[Balancer, Tensor]] = [
        (GeometricMean(), library.GeometricMean()(at)),
        (STCH(0.5, given_), library.STCH(0.5, shares)(at)),
        (PBI(2.0, given_), library.PBI(2.0, preference)(at)),
    ]
    for balancer, value in pairs:
        (derivative,) = torch.autograd.grad(value, at)
        # Its root has 1e-12 under it, for losses on the preferred direction.
        torch.testing.assert_close(balancer.weights(losses), derivative, rtol=1e-4, atol=1e-5)


def test_a_loss_half_as_large_has_twice_the_weight_in_the_geometric_mean() -> None:
    # The mean of 1, 2 and 4 is 2.
    assert GeometricMean().weights(torch.tensor([1.0, 2.0, 4.0])).tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 6])
    assert GeometricMean().weights(torch.tensor([3.0])).tolist() == pytest.approx([1.0])


def test_the_geometric_mean_of_losses_that_vanish_or_are_negative_is_finite() -> None:
    found = GeometricMean().weights(torch.tensor([0.0, 1.0, -1.0]))
    assert torch.isfinite(found).all() and found.min() > 0 and found[0] == found[2]


def test_the_largest_loss_decides_as_the_transition_narrows() -> None:
    losses = torch.tensor([1.0, 3.0, 2.0])
    assert STCH(mu=1e-3).weights(losses).tolist() == pytest.approx([0, 1 / 3, 0])
    assert STCH(mu=1e6).weights(losses).tolist() == pytest.approx([1 / 9] * 3, rel=1e-5)
    assert STCH(mu=1e-3, preference=[8, 1, 1]).weights(losses).tolist() == pytest.approx([0.8, 0, 0])
    assert torch.isfinite(STCH(mu=1e-300).weights(losses)).all()


def test_losses_in_the_preferred_proportion_have_the_weights_of_the_direction() -> None:
    direction = [3 / 5, 4 / 5]
    found = PBI(preference=[3.0, 4.0]).weights(torch.tensor([0.3, 0.4], dtype=torch.float64)).tolist()
    assert found == pytest.approx(direction)
    found = PBI(preference=[3.0, 4.0]).weights(torch.tensor([0.3, 0.4])).tolist()
    assert found == pytest.approx(direction, abs=0.01)  # in float32 they are beside it
    # 5 away from it, at a right angle: (4, -3) / 5 is added theta times.
    found = PBI(theta=0.5, preference=[3.0, 4.0]).weights(torch.tensor([7.0, 1.0])).tolist()
    assert found == pytest.approx([3 / 5 + 0.5 * 4 / 5, 4 / 5 - 0.5 * 3 / 5])
    assert PBI(theta=0.0).weights(torch.tensor([7.0, 1.0])).tolist() == pytest.approx([0.5**0.5] * 2)
    assert PBI().weights(torch.zeros(4)).tolist() == pytest.approx([0.5] * 4)


@given(LOSSES)
@settings(max_examples=25)
def test_a_small_penalty_keeps_all_weights_positive(losses: Tensor) -> None:
    theta = 0.99 / max(1, len(losses) - 1) ** 0.5
    assert PBI(theta).weights(losses).min() > 0


@pytest.mark.parametrize("kind", [STCH, PBI])
@pytest.mark.parametrize("preference", [[], [1.0, 0.0], [1.0, -1.0], [1.0, float("inf")], [float("nan")]])
def test_a_preference_that_is_none_is_refused(kind: Callable[..., Balancer], preference: list[float]) -> None:
    with pytest.raises(UsageError, match="`preference` should be positive"):
        kind(preference=preference)


@pytest.mark.parametrize("kind", [STCH, PBI])
def test_a_preference_is_one_number_per_objective(kind: Callable[..., Balancer]) -> None:
    with pytest.raises(UsageError, match="2 for 3"):
        kind(preference=[1, 2]).weights(torch.ones(3))


@pytest.mark.parametrize(("kind", "name"), [(STCH, "mu"), (PBI, "theta")])
def test_arguments_out_of_range_are_refused(kind: Callable[..., Balancer], name: str) -> None:
    with pytest.raises(UsageError, match=name):
        kind(**{name: -1.0})


def test_random_weights_repeat_with_their_epoch_and_leave_dropout_alone() -> None:
    found = []
    for noise in (0, 3):
        balancer = RandomWeights()
        torch.manual_seed(7)
        balancer.begin_epoch(0)
        torch.manual_seed(7 + noise)  # dropout differs from process to process
        before = torch.get_rng_state()
        found.append(torch.stack([balancer.weights(torch.ones(3)) for _ in range(50)]))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(*found)
    assert len(found[0].unique(dim=0)) == 50 and found[0].mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.1)
