"""One balanced gradient from several objectives, against automatic differentiation of the weighted sum."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from crossspace.balance import (
    Balance,
    Balancer,
    FixedWeights,
    ParetoGradientModulator,
    balanced_backward,
    gram_matrix,
    pareto_weights,
)
from crossspace.errors import UsageError

BALANCERS = [
    ParetoGradientModulator(),
    ParetoGradientModulator(apply="unit"),
    ParetoGradientModulator(space="representation"),
    ParetoGradientModulator(space="representation", apply="unit"),
    FixedWeights(),
]
IDS = ["parameters", "parameters unit", "representation", "representation unit", "fixed"]


class Toy(nn.Module):
    """Two encoders with a parameter between them, heads of which some serve several objectives."""

    def __init__(self, objectives: int) -> None:
        super().__init__()
        torch.manual_seed(objectives)
        self.first, self.second, self.nobodys = nn.Linear(3, 4), nn.Linear(2, 4), nn.Linear(2, 2)
        self.common = nn.Parameter(torch.randn(4))
        self.heads = nn.ModuleList(nn.Linear(4, 3) for _ in range(objectives))
        self.double()
        random = torch.Generator().manual_seed(1)
        self.x = torch.randn(6, 3, generator=random, dtype=torch.float64)
        self.y = torch.randn(6, 2, generator=random, dtype=torch.float64)

    def encode(self) -> dict[str, Tensor]:
        return {"a": torch.tanh(self.first(self.x) * self.common), "b": torch.tanh(self.second(self.y))}

    def decode(self, rows: dict[str, Tensor]) -> list[Tensor]:
        """The objective at place 1 sees only b, the others both; ``common`` also stands above the cut."""
        mixed = rows["a"] * self.common + rows["b"]
        seen = [rows["b"] if k == 1 else mixed for k in range(len(self.heads))]
        return [(10.0**k) * torch.sin(head(z)).mean() for k, (head, z) in enumerate(zip(self.heads, seen, strict=True))]

    def shared(self) -> list[nn.Parameter]:
        return [*self.first.parameters(), *self.second.parameters(), *self.nobodys.parameters()]

    def others(self) -> list[nn.Parameter]:
        mine = {id(p) for p in self.shared()}
        return [p for p in self.parameters() if id(p) not in mine]

    def balance(self, balancer: Balancer, previous: Tensor | None = None) -> Balance:
        representation = self.encode()
        leaves = {m: z.detach().requires_grad_() for m, z in representation.items()}
        return balanced_backward(
            self.decode(leaves), representation, leaves, self.shared(), self.others(), balancer, previous
        )


def derivatives(losses: list[Tensor], inputs: list[Tensor]) -> Tensor:
    """(K, P) by plain automatic differentiation, zeros for what a loss does not reach."""
    rows = []
    for loss in losses:
        found = torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)
        rows.append(
            torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in zip(found, inputs, strict=True)])
        )
    return torch.stack(rows)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("balancer", BALANCERS, ids=IDS)
def test_gradient_is_that_of_the_weighted_sum(objectives: int, balancer: Balancer) -> None:
    toy = Toy(objectives)
    balance = toy.balance(balancer)
    parameters = [*toy.shared(), *toy.others()]
    expected = balance.weights @ derivatives(toy.decode(toy.encode()), parameters)
    found = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("balancer", BALANCERS, ids=IDS)
def test_gram_matrix_and_weights_are_those_of_explicit_gradients(objectives: int, balancer: Balancer) -> None:
    toy = Toy(objectives)
    balance = toy.balance(balancer)
    if balancer.needs == "losses":
        assert balance.gram is None
        assert balance.weights.tolist() == [1.0] * objectives
        return
    representation = toy.encode()
    over = toy.shared() if balancer.space == "parameters" else list(representation.values())
    rows = derivatives(toy.decode(representation), over)
    torch.testing.assert_close(balance.gram, rows @ rows.T, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(balance.weights, balancer.weights(torch.ones(objectives), rows @ rows.T))


def test_weights_that_are_still_in_force_are_used_again() -> None:
    toy, previous = Toy(3), torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    balance = toy.balance(ParetoGradientModulator(every=4), previous)
    assert balance.weights is previous and balance.gram is None
    parameters = [*toy.shared(), *toy.others()]
    expected = previous @ derivatives(toy.decode(toy.encode()), parameters)
    found = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_parameter_that_no_objective_reaches_keeps_no_gradient_and_weighs_nothing() -> None:
    toy = Toy(3)
    balance = toy.balance(ParetoGradientModulator())
    assert all(p.grad is None or not p.grad.any() for p in toy.nobodys.parameters())
    without = derivatives(toy.decode(toy.encode()), [*toy.first.parameters(), *toy.second.parameters()])
    torch.testing.assert_close(balance.weights, pareto_weights(without @ without.T))


def test_an_objective_without_any_gradient_gets_weight_zero() -> None:
    toy = Toy(3)
    for space in ("parameters", "representation"):
        representation = toy.encode()
        leaves = {m: z.detach().requires_grad_() for m, z in representation.items()}
        losses = [*toy.decode(leaves)[:2], torch.tensor(3.0, dtype=torch.float64)]
        balance = balanced_backward(
            losses, representation, leaves, toy.shared(), toy.others(), ParetoGradientModulator(space=space)
        )
        assert balance.weights.tolist() == [0.5, 0.5, 0.0]


def awkward(kind: str, leaves: dict[str, Tensor], p: nn.Parameter, q: nn.Parameter) -> list[Tensor]:
    """Objectives for which automatic differentiation returns one tensor twice, or one that is expanded."""
    mixed = leaves["a"] + leaves["b"]
    if kind == "one tensor for two leaves":
        return [mixed.square().mean(), torch.sin(mixed).mean()]
    if kind == "one tensor for two parameters":
        return [((p + q) * mixed).square().mean(), torch.sin((p + q) * mixed).mean()]
    return [mixed.sum() + p.sum() + q.square().sum(), (mixed * 2).sum() + 3 * p.sum()]


@pytest.mark.parametrize("kind", ["one tensor for two leaves", "one tensor for two parameters", "an expanded tensor"])
@pytest.mark.parametrize("balancer", BALANCERS, ids=IDS)
def test_gradients_that_share_memory_are_not_spoilt(kind: str, balancer: Balancer) -> None:
    torch.manual_seed(0)
    base = {m: nn.Parameter(torch.randn(4, 3, dtype=torch.float64)) for m in "ab"}
    p, q = (nn.Parameter(torch.randn(3, dtype=torch.float64)) for _ in range(2))
    representation = {m: torch.tanh(x) for m, x in base.items()}
    leaves = {m: z.detach().requires_grad_() for m, z in representation.items()}
    objectives = awkward(kind, leaves, p, q)
    balance = balanced_backward(objectives, representation, leaves, list(base.values()), [p, q], balancer)
    parameters = [*base.values(), p, q]
    losses = awkward(kind, {m: torch.tanh(x) for m, x in base.items()}, p, q)
    expected = balance.weights @ derivatives(losses, parameters)
    found = torch.cat([(torch.zeros_like(x) if x.grad is None else x.grad).flatten() for x in parameters])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    grads = [x.grad for x in parameters if x.grad is not None]
    torch._foreach_mul_(grads, 0.5)  # what clipping does
    found = torch.cat([(torch.zeros_like(x) if x.grad is None else x.grad).flatten() for x in parameters])
    torch.testing.assert_close(found, 0.5 * expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("balancer", BALANCERS, ids=IDS)
def test_a_fused_optimizer_steps_along_gradients_that_come_transposed_or_as_a_slice(balancer: Balancer) -> None:
    torch.manual_seed(0)
    base = nn.Parameter(torch.randn(4, 3, dtype=torch.float64))
    p, q, r = (nn.Parameter(torch.randn(3, 4, dtype=torch.float64)) for _ in range(3))

    def losses(rows: Tensor) -> list[Tensor]:
        turned, joined = p.T @ torch.arange(3.0, dtype=torch.float64), torch.cat([q, r], dim=1)
        return [(rows @ joined).square().mean() + torch.sin(turned).sum(), torch.cos(turned).mean()]

    direct = torch.autograd.grad(losses(base)[0], [p, q, r], retain_graph=True)
    assert not any(g.is_contiguous() for g in direct), "automatic differentiation should make it hard"
    representation = {"a": torch.tanh(base)}
    leaves = {"a": representation["a"].detach().requires_grad_()}
    balance = balanced_backward(losses(leaves["a"]), representation, leaves, [base], [p, q, r], balancer)
    parameters = [base, p, q, r]
    expected = balance.weights @ derivatives(losses(torch.tanh(base)), parameters)
    before = torch.cat([x.detach().flatten() for x in parameters])
    torch.optim.Adam(parameters, lr=1.0, eps=1e6, fused=True).step()  # by a millionth of the gradient
    moved = torch.cat([x.detach().flatten() for x in parameters]) - before
    torch.testing.assert_close(moved * 1e6, -expected, rtol=1e-4, atol=1e-8)


@pytest.fixture
def pieces() -> Callable[[torch.dtype], list[list[Tensor | None]]]:
    def build(dtype: torch.dtype) -> list[list[Tensor | None]]:
        random = torch.Generator().manual_seed(0)
        sizes = [(3, 4), (70_000,), (1,), (0, 5)]
        tasks: list[list[Tensor | None]] = [
            [torch.randn(s, generator=random).to(dtype) for s in sizes] for _ in range(3)
        ]
        tasks[1][0] = None
        tasks[2][3] = None
        return tasks

    return build


def test_gram_matrix_counts_what_is_not_there_as_zero(pieces: Callable) -> None:
    tasks = pieces(torch.float64)
    sizes = [max(len(t[i].flatten()) for t in tasks if t[i] is not None) for i in range(4)]
    rows = torch.stack(
        [
            torch.cat(
                [
                    torch.zeros(n, dtype=torch.float64) if g is None else g.flatten()
                    for g, n in zip(t, sizes, strict=True)
                ]
            )
            for t in tasks
        ]
    )
    torch.testing.assert_close(gram_matrix(tasks), rows @ rows.T, rtol=1e-12, atol=1e-9)


def test_gram_matrix_is_accumulated_in_float64() -> None:
    """Two directions 1e-5 apart: in float32 one minus their cosine would be lost."""
    random = torch.Generator().manual_seed(0)
    first = torch.randn(100_000, generator=random)
    second = first + 1e-4 * torch.randn(100_000, generator=random)
    gram = gram_matrix([[first], [second]])
    exact = torch.stack([first, second]).double()
    torch.testing.assert_close(gram, exact @ exact.T, rtol=1e-13, atol=0)
    assert gram.dtype == torch.float64


@pytest.mark.parametrize("size", [1, 1023, 1 << 15, (1 << 15) + 7, (1 << 18) + 1, 700_001])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_long_gradients_of_any_size_and_type_have_the_products_of_what_they_hold(size: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    tasks: list[list[Tensor | None]] = [
        [torch.randn(size).to(dtype), None if k == 1 else torch.randn(5)] for k in range(3)
    ]
    held = torch.zeros(3, size + 5, dtype=torch.float64)
    for row, (first, second) in zip(held, tasks, strict=True):
        row[:size] = first
        if second is not None:
            row[size:] = second
    exact = held @ held.T
    # Within the rounding of float32 where the entries have eight bits, else of float64.
    near = (1e-6 if dtype == torch.bfloat16 else 1e-13) * float(exact.diagonal().max())
    torch.testing.assert_close(gram_matrix(tasks), exact, rtol=0, atol=near)


def test_gram_matrix_of_nothing_is_zero() -> None:
    assert torch.equal(gram_matrix([[None, None]] * 3), torch.zeros(3, 3, dtype=torch.float64))
    assert torch.equal(gram_matrix([[torch.zeros(0, 4)], [torch.zeros(0, 4)]]), torch.zeros(2, 2, dtype=torch.float64))


def test_fixed_weights_are_those_given_and_must_fit() -> None:
    assert FixedWeights([1, 0.5]).weights(torch.ones(2)).tolist() == [1.0, 0.5]
    with pytest.raises(UsageError, match="2 for 3"):
        FixedWeights([1, 0.5]).weights(torch.ones(3))
    assert FixedWeights([0, 1]).weights(torch.ones(2)).tolist() == [0.0, 1.0]
    for wrong in ([0, 0], [-1, 1], [float("nan"), 1], []):
        with pytest.raises(UsageError, match=r"`values` should be numbers of at least 0"):
            FixedWeights(wrong)


@pytest.mark.parametrize("fault", [{"space": "rows"}, {"apply": "sum"}, {"every": 0}])
def test_impossible_arguments_of_pgm_are_refused(fault: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(fault))):
        ParetoGradientModulator(**fault)


def test_pgm_says_that_it_needs_a_gram_matrix() -> None:
    with pytest.raises(ValueError, match="Gram"):
        ParetoGradientModulator().weights(torch.ones(3))
