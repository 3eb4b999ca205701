"""What every balancer keeps to, whatever its rule, and known answers of the rules."""

from __future__ import annotations

import io
import math
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor

from crossspace.balance import BALANCERS, Balancer, UncertaintyWeights
from crossspace.errors import UsageError

GRAM = sorted(name for name, balancer in BALANCERS.items() if balancer.needs == "gram")
COUNTS = [1, 2, 3, 5, 8]


def made(name: str, **arguments: Any) -> Balancer:
    return BALANCERS[name](**arguments)


def gradients(count: int, seed: int = 0, dimension: int = 20) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, dimension, generator=random, dtype=torch.float64)


def weigh(balancer: Balancer, rows: Tensor) -> Tensor:
    torch.manual_seed(0)
    losses = torch.linspace(0.5, 1.5, len(rows)) ** float(rows[0].norm().clamp(0.5, 3.0))  # by gradients, as they come
    return balancer.weights(losses, rows @ rows.T)


def test_all_balancers_are_found() -> None:
    assert set(BALANCERS) == {
        *("pgm", "mgda", "cagrad", "pcgrad", "imtl-g", "aligned-mtl", "upgrad", "nash-mtl"),
        *("fixed", "uncertainty", "dwa", "famo", "geometric-mean", "imtl-l", "pbi", "random", "stch"),
    }


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", BALANCERS)
def test_weights_are_one_finite_float64_per_objective(name: str, count: int) -> None:
    for seed in range(5):
        found = weigh(made(name), gradients(count, seed))
        assert found.shape == (count,) and found.dtype == torch.float64 and torch.isfinite(found).all()
        assert not found.requires_grad


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", BALANCERS)
def test_identical_gradients_give_a_step_along_them(name: str, count: int) -> None:
    rows = gradients(1).expand(count, -1)
    found = weigh(made(name), rows)
    assert torch.isfinite(found).all() and float(found @ rows @ rows[0]) > 0


ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "pgm": [{}, {"apply": "unit"}], "fixed": [{}, {"values": (0.5, 1.0, 2.5)}], "cagrad": [{}, {"c": 0.0}],
    "imtl-l": [{"learning_rate": 0.1}], "pbi": [{}, {"preference": (0.5, 1.0, 2.5)}],
}  # fmt: skip


@pytest.mark.parametrize("name", BALANCERS)
def test_a_balancer_says_in_a_sentence_what_its_weights_are_and_they_are_so(name: str) -> None:
    for arguments in ARGUMENTS.get(name, [{}]):
        balancer = made(name, **arguments)
        said = balancer.about_weights
        assert said.endswith(".") and len(said) > 15 and "\n" not in said
        found = torch.stack([weigh(balancer, (0.5 + seed) * gradients(3, seed, dimension=3)) for seed in range(12)])
        sums = found.sum(1)
        if "sum to 1." in said or "sum to 1;" in said:
            torch.testing.assert_close(sums, torch.ones_like(sums), rtol=1e-5, atol=1e-5)
        elif "sum to the number" in said:
            torch.testing.assert_close(sums, torch.full_like(sums, 3.0))
        elif "fixed sum" in said and arguments != {"c": 0.0}:
            assert sums.max() - sums.min() > 1e-3
        if "at least 1," in said:
            assert found.min() >= 1 - 1e-6
        if "at least one over" in said:
            assert found.min() >= 1 / 3 - 1e-6
        if "may be negative" in said:
            assert found.min() < 0
        else:
            assert found.min() >= 0


def test_fixed_weights_are_said_as_numbers() -> None:
    assert BALANCERS["fixed"](values=(0.5, 2.0)).about_weights.endswith("objectives: 0.5, 2.")


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 7.0, 1e20])
@pytest.mark.parametrize("name", GRAM)
def test_step_scales_with_the_gradients_except_where_its_length_is_fixed(name: str, scale: float) -> None:
    balancer = made(name)
    for count in COUNTS:
        rows = gradients(count, seed=count)
        factor = 1.0 if name == "nash-mtl" else scale
        step = weigh(balancer, scale * rows) @ rows * scale / factor
        torch.testing.assert_close(step, weigh(balancer, rows) @ rows, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in GRAM if name != "pcgrad"])
def test_order_of_the_objectives_does_not_matter(name: str) -> None:
    balancer, rows = made(name), gradients(3, seed=4, dimension=3)
    straight = weigh(balancer, rows)
    for order in permutations(range(3)):
        torch.testing.assert_close(weigh(balancer, rows[list(order)]), straight[list(order)], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", GRAM)
def test_a_gram_matrix_that_is_not_finite_gives_weights_that_are_not(name: str, bad: float) -> None:
    balancer = made(name)
    for count in COUNTS:
        gram = torch.eye(count, dtype=torch.float64)
        gram[0, -1] = gram[-1, 0] = bad
        assert not torch.isfinite(balancer.weights(torch.ones(count), gram)).all()


@pytest.mark.parametrize("name", GRAM)
def test_a_zero_gradient_gets_no_weight_and_all_zero_ones_get_equal_weights(name: str) -> None:
    balancer, rows = made(name), gradients(3, seed=1)
    alone = weigh(balancer, rows)
    found = weigh(balancer, torch.cat([rows, torch.zeros(1, 20, dtype=torch.float64)]))
    torch.testing.assert_close(found, torch.cat([alone, torch.zeros(1, dtype=torch.float64)]), rtol=1e-6, atol=1e-8)
    assert weigh(balancer, torch.zeros(4, 2, dtype=torch.float64)).tolist() == [0.25] * 4


@pytest.mark.parametrize("name", GRAM)
def test_opposite_and_nearly_dependent_gradients_give_finite_weights(name: str) -> None:
    balancer, rows = made(name), gradients(2, seed=2)
    for third in (-rows[0], rows[0] * (1 + 1e-9), rows[0] + rows[1], -rows[0] * 1e6, rows[1] * 1e-9):
        assert torch.isfinite(weigh(balancer, torch.cat([rows, third.unsqueeze(0)]))).all()


@pytest.mark.parametrize("name", [name for name in GRAM if name != "pgm"])
def test_arguments_out_of_range_are_refused(name: str) -> None:
    made(name)
    with pytest.raises(UsageError, match="space"):
        BALANCERS[name](space="somewhere")
    with pytest.raises(UsageError, match="every"):
        BALANCERS[name](every=0)
    with pytest.raises(ValueError, match="Gram"):
        made(name).weights(torch.ones(3))


@pytest.mark.parametrize("name", BALANCERS)
def test_state_survives_a_file_of_tensors_and_plain_values(name: str) -> None:
    first, second = made(name), made(name)
    for epoch in range(4):
        first.begin_epoch(epoch)
        first.weights(torch.rand(3), torch.eye(3))
        first.look_back(torch.rand(3))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    for epoch in range(4, 7):
        losses, rows = torch.rand(3), gradients(3, seed=epoch)
        found = []
        for balancer in (first, second):
            torch.manual_seed(epoch)
            balancer.begin_epoch(epoch)
            found.append(balancer.weights(losses, rows @ rows.T))
            balancer.look_back(losses.square())
        assert torch.equal(*found)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["uncertainty", "dwa", "imtl-l", "famo"])
def test_losses_that_are_not_finite_leave_no_trace(name: str, bad: float) -> None:
    clean, spoilt = made(name), made(name)
    for epoch in range(5):
        losses = torch.rand(2, 3)
        for balancer in (clean, spoilt):
            balancer.begin_epoch(epoch)
            balancer.weights(losses[0])
            balancer.look_back(losses[0] / 2)
        spoilt.weights(torch.tensor([1.0, bad, 2.0]))
        spoilt.look_back(losses[0])
        assert torch.equal(clean.weights(losses[1]), spoilt.weights(losses[1]))


@pytest.mark.parametrize("count", COUNTS)
def test_nash_mtl_satisfies_the_bargaining_equation(count: int) -> None:
    rows = gradients(count, seed=8) * torch.logspace(-3, 3, count, dtype=torch.float64).unsqueeze(1)
    found = weigh(made("nash-mtl", max_norm=0.0), rows)
    assert float(found.min()) > 0
    torch.testing.assert_close(rows @ rows.T @ found * found, torch.ones_like(found), rtol=1e-4, atol=0)
    step = weigh(made("nash-mtl"), rows) @ rows
    assert float(step.norm()) == pytest.approx(1.0, rel=1e-4)
    assert torch.equal(weigh(made("nash-mtl", max_norm=10.0), rows), found)


def test_nash_mtl_of_two_equally_long_gradients_is_known() -> None:
    rows = torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]], dtype=torch.float64)
    found = weigh(made("nash-mtl", max_norm=0.0), rows)  # alpha^2 (1 + cos) = 1
    torch.testing.assert_close(found.tolist(), [1 / math.sqrt(1.5)] * 2, rtol=1e-5, atol=0)


def test_uncertainty_settles_where_a_steady_loss_has_half_its_inverse_as_weight() -> None:
    balancer = UncertaintyWeights(learning_rate=0.05)
    losses = torch.tensor([0.1, 0.5, 3.0])
    first = balancer.weights(losses)
    for _ in range(2000):
        found = balancer.weights(losses)
    assert first.tolist() == [1.0, 1.0, 1.0]
    torch.testing.assert_close(-found.log(), (2 * losses.double()).log(), rtol=1e-4, atol=1e-4)


def test_uncertainty_of_a_loss_that_vanishes_is_bounded() -> None:
    balancer = UncertaintyWeights(learning_rate=0.5, bound=2.0)
    for _ in range(50):
        found = balancer.weights(torch.tensor([0.0, 1e9]))
    torch.testing.assert_close(found.tolist(), [math.exp(2.0), math.exp(-2.0)])


def test_dwa_follows_its_formula_from_the_third_epoch() -> None:
    balancer = made("dwa")
    epochs = [[(4.0, 1.0), (2.0, 3.0)], [(1.0, 2.0), (2.0, 6.0)], [(9.0, 9.0)], [(1.0, 1.0)]]
    seen = []
    for epoch, steps in enumerate(epochs):
        balancer.begin_epoch(epoch)
        seen.append([balancer.weights(torch.tensor(step)).tolist() for step in steps])
    assert seen[0] == seen[1] == [[1.0, 1.0]] * 2
    for found, ratios in ((seen[2][0], (1.5 / 3, 4 / 2)), (seen[3][0], (9 / 1.5, 9 / 4))):
        terms = [math.exp(r / 2.0) for r in ratios]
        torch.testing.assert_close(found, [2 * t / sum(terms) for t in terms])


def test_dwa_of_losses_that_vanish_or_explode_is_finite() -> None:
    balancer = made("dwa")
    for epoch, losses in enumerate([(0.0, 1.0, 1e-300), (0.0, 0.0, 1e30), (1.0, 1.0, 1.0)]):
        balancer.begin_epoch(epoch)
        found = balancer.weights(torch.tensor(losses, dtype=torch.float64))
        assert torch.isfinite(found).all() and float(found.sum()) == pytest.approx(3)
