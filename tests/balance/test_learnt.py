"""Balancers that learn beside the model, from losses: where they end, and the same as another library's."""

from __future__ import annotations

import pytest
import torch

from crossspace.balance import FAMO, IMTLL
from crossspace.errors import UsageError


def test_imtl_l_settles_where_every_scaled_loss_is_one() -> None:
    balancer = IMTLL(learning_rate=0.05)
    losses = torch.tensor([0.1, 0.5, 3.0])
    assert balancer.weights(losses).tolist() == [1.0, 1.0, 1.0]
    for _ in range(1000):
        found = balancer.weights(losses)
    torch.testing.assert_close(found * losses.double(), torch.ones(3, dtype=torch.float64), rtol=1e-4, atol=0)


def test_imtl_l_of_a_loss_that_vanishes_is_bounded() -> None:
    balancer = IMTLL(learning_rate=0.5, bound=2.0)
    for _ in range(50):
        found = balancer.weights(torch.tensor([0.0, 1e9]))
    assert found.log().tolist() == pytest.approx([2.0, -2.0])


def test_another_library_learns_the_same_scales() -> None:
    theirs = pytest.importorskip("torchjd.scalarization").IMTLL(3).double()
    adam = torch.optim.Adam(theirs.parameters(), lr=0.1)
    ours = IMTLL(learning_rate=0.1)
    for step in range(20):
        losses = torch.rand(3, dtype=torch.float64, generator=torch.Generator().manual_seed(step)) + 0.1
        at = losses.clone().requires_grad_()
        adam.zero_grad()
        theirs(at).backward()
        torch.testing.assert_close(ours.weights(losses), at.grad)
        adam.step()


def test_famo_gives_even_shares_of_the_logarithms_at_first() -> None:
    # 1 / l over the sum of it.
    assert FAMO().weights(torch.tensor([1.0, 2.0, 4.0])).tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_another_library_learns_the_same_famo() -> None:
    theirs = pytest.importorskip("torchjd.scalarization").FAMO(3, lr=0.1, weight_decay=1e-3).double()
    ours = FAMO(learning_rate=0.1, decay=1e-3)
    random = torch.Generator().manual_seed(0)
    for _ in range(20):
        losses = torch.rand(3, dtype=torch.float64, generator=random) + 0.1
        after = losses * (0.5 + torch.rand(3, dtype=torch.float64, generator=random))
        at = losses.clone().requires_grad_()
        theirs(at).backward()
        torch.testing.assert_close(ours.weights(losses), at.grad)
        theirs.update(after)
        ours.look_back(after)


def test_famo_gives_more_to_the_loss_that_falls_more_slowly() -> None:
    balancer, losses = FAMO(), torch.ones(2)
    for _ in range(30):
        found = balancer.weights(losses)
        assert float(found.sum()) == pytest.approx(1)
        balancer.look_back(torch.tensor([0.5, 0.9]))
    assert found[1] > 0.6


def test_famo_balances_two_objectives_that_gradient_descent_serves_unequally() -> None:
    """The losses (x - 1)^2 / 100 and (y - 1)^2, from (0, 0): both fall in one proportion."""
    fallen = {}
    for balanced in (False, True):
        at, balancer = torch.zeros(2, dtype=torch.float64, requires_grad=True), FAMO(learning_rate=0.1)
        for _ in range(100):
            losses = (at - 1) ** 2 * torch.tensor([0.01, 1.0], dtype=torch.float64)
            weights = balancer.weights(losses.detach()) if balanced else torch.full((2,), 0.5, dtype=torch.float64)
            (slope,) = torch.autograd.grad(weights @ losses, at)
            with torch.no_grad():
                at -= 0.02 * slope
                balancer.look_back((at - 1) ** 2 * torch.tensor([0.01, 1.0])) if balanced else None
        fallen[balanced] = ((at.detach() - 1) ** 2).log()
    assert abs(float(fallen[False].diff())) > 1.0
    assert abs(float(fallen[True].diff())) < 0.1


def test_famo_of_losses_that_vanish_or_are_negative_is_finite() -> None:
    balancer = FAMO()
    for losses in ([0.0, 1.0, -1.0], [0.0, 0.0, 0.0], [1e30, 1.0, 1e-30]):
        assert torch.isfinite(balancer.weights(torch.tensor(losses))).all()
        balancer.look_back(torch.tensor(losses).flip(0))


def test_famo_looks_back_on_weights_that_it_gave() -> None:
    with pytest.raises(ValueError, match="before"):
        FAMO().look_back(torch.ones(3))


@pytest.mark.parametrize("fault", [{"learning_rate": 0.0}, {"decay": -1.0}])
def test_arguments_of_famo_out_of_range_are_refused(fault: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(fault))):
        FAMO(**fault)


@pytest.mark.parametrize("fault", [{"learning_rate": 0.0}, {"bound": -1.0}])
def test_arguments_of_imtl_l_out_of_range_are_refused(fault: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(fault))):
        IMTLL(**fault)
