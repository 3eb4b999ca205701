"""What every fusion operator promises; a new file in ``crossspace/nn/fusion`` is tested without a new line."""

from __future__ import annotations

import inspect
from itertools import product

import pytest
import torch

from crossspace.errors import UsageError
from crossspace.nn.fusion import FUSION, FUSIONS, Fusion
from crossspace.nn.fusion.bottleneck import Bottleneck
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.fusion.polynomial import SynergisticPolynomialFusion
from crossspace.nn.fusion.residual import LinearResidual

NAMES = ("text", "audio", "visual")
OPTIONS = {"order": 3, "rank": 4}
WIDTH, OUT = 6, 5


def operator(name: str, names: tuple[str, ...] = NAMES, width: int = WIDTH, out: int = OUT) -> Fusion:
    kind = FUSIONS[name]
    known = inspect.signature(kind).parameters
    torch.manual_seed(0)
    arguments = {k: v for k, v in OPTIONS.items() if k in known}
    return kind(width=width, modalities=names, out_width=out, **arguments).double().eval()


def placed(name: str, width: int = WIDTH, names: tuple[str, ...] = NAMES, options=OPTIONS, **place) -> Fusion:
    """An operator where a model uses it."""
    own = {k: v for k, v in options.items() if k in FUSION.own(name)}
    return FUSION.build({"name": name, **own, **place}, width=width, modalities=names)


@pytest.fixture(params=sorted(FUSIONS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["alone", "out of its width", "bottleneck", "bottleneck and residual", "residual"])
def fusion(name: str, request: pytest.FixtureRequest) -> Fusion:
    """Every operator in every dress."""
    if request.param == "alone":
        return operator(name, out=WIDTH)
    if request.param == "out of its width":
        return operator(name)
    inner, residual = (3 if "bottleneck" in request.param else None), "residual" in request.param
    torch.manual_seed(0)
    return placed(name, inner_width=inner, residual=residual).double().eval()


def inputs(names: tuple[str, ...] = NAMES, rows: int = 8, width: int = WIDTH) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return {m: torch.randn(rows, width, generator=random, dtype=torch.float64) for m in names}


def every_subset() -> dict[str, torch.Tensor]:
    """One row for every subset of the three modalities."""
    table = torch.tensor(list(product([True, False], repeat=3)))
    return {m: table[:, i] for i, m in enumerate(NAMES)}


def count(fusion: Fusion) -> int:
    return sum(p.numel() for p in fusion.parameters())


def test_operators_are_found() -> None:
    usual = {"polynomial", "concatenation", "softmax-gate", "tensor", "low-rank", "factorized-bilinear"}
    assert usual | {"polynomial-tensor"} <= set(FUSIONS)
    assert all(kind.citation for kind in FUSIONS.values())


def test_result_has_one_row_of_the_asked_width_per_utterance(name: str) -> None:
    fusion = operator(name)
    assert fusion(inputs()).shape == (8, OUT)
    assert fusion(inputs(rows=0)).shape == (0, OUT)


def test_any_subset_of_missing_modalities_gives_finite_values_and_gradients(fusion: Fusion) -> None:
    rows = {m: x.requires_grad_() for m, x in inputs().items()}
    out = fusion(rows, every_subset())
    out.square().sum().backward()
    assert torch.isfinite(out).all()
    for tensor in (*rows.values(), *fusion.parameters()):
        assert torch.isfinite(tensor.grad).all()


def test_rows_of_zeros_give_finite_values_and_gradients(fusion: Fusion) -> None:
    rows = {m: torch.zeros(2, WIDTH, dtype=torch.float64, requires_grad=True) for m in NAMES}
    out = fusion(rows)
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (*rows.values(), *fusion.parameters()))


def test_garbage_in_missing_rows_changes_neither_value_nor_gradient(fusion: Fusion) -> None:
    found = []
    for garbage in (0.0, 1e9, float("nan"), float("inf")):
        rows = {m: torch.where(every_subset()[m].unsqueeze(1), x, garbage) for m, x in inputs().items()}
        rows = {m: x.requires_grad_() for m, x in rows.items()}
        fusion.zero_grad()
        out = fusion(rows, every_subset())
        out.square().sum().backward()
        assert all((rows[m].grad[~every_subset()[m]] == 0).all() for m in NAMES)
        found.append([out.detach(), *(p.grad.clone() for p in fusion.parameters())])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_what_is_said_to_be_present_everywhere_need_not_be_said(fusion: Fusion) -> None:
    everywhere = {m: torch.ones(8, dtype=torch.bool) for m in NAMES}
    assert torch.equal(fusion(inputs(), everywhere), fusion(inputs()))


def test_rows_do_not_depend_on_their_company(fusion: Fusion) -> None:
    rows, present = inputs(), every_subset()
    order = torch.tensor([5, 0, 3])
    some = fusion({m: x[order] for m, x in rows.items()}, {m: x[order] for m, x in present.items()})
    torch.testing.assert_close(some, fusion(rows, present)[order], rtol=1e-12, atol=1e-12)


def test_every_parameter_gets_a_gradient(fusion: Fusion) -> None:
    fusion(inputs()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in fusion.parameters())


def test_every_modality_matters(fusion: Fusion) -> None:
    rows = {m: x.requires_grad_() for m, x in inputs().items()}
    fusion(rows).square().sum().backward()
    assert all((x.grad.abs().sum(dim=1) > 0).all() for x in rows.values())


@pytest.mark.parametrize("names", [("only",), ("a.b", ""), ("keys", "pop", "0", "self", "weight")])
@pytest.mark.parametrize("inner", [None, 2])
def test_any_number_of_modalities_under_any_names(name: str, names: tuple[str, ...], inner: int | None) -> None:
    fusion = placed(name, 4, names, inner_width=inner, residual=True).double()
    out = fusion(inputs(names, width=4), {names[-1]: torch.tensor([True, False] * 4)})
    out.sum().backward()
    assert out.shape == (8, 4) and torch.isfinite(out).all()
    assert all(p.grad is not None for p in fusion.parameters())


def test_a_modality_that_was_not_given_is_named(name: str) -> None:
    with pytest.raises(UsageError, match="visual"):
        operator(name)(inputs(("text", "audio")))


@pytest.mark.parametrize("fault", [{"modalities": ()}, {"width": 0}, {"out_width": 0}])
def test_impossible_arguments_are_refused(name: str, fault: dict) -> None:
    fine = {"width": 4, "modalities": NAMES, "out_width": 4}
    numbers = {k: v for k, v in OPTIONS.items() if k in inspect.signature(FUSIONS[name]).parameters}
    for wrong in (fault, *({k: 0} for k in numbers)):
        with pytest.raises(UsageError):
            FUSIONS[name](**{**fine, **numbers, **wrong})


def test_output_neither_vanishes_nor_explodes_at_the_start(name: str) -> None:
    random = torch.Generator().manual_seed(2)
    rows = {m: torch.randn(32, 64, generator=random) for m in NAMES}
    for inner in (None, 16):
        torch.manual_seed(3)
        deviation = placed(name, 64, inner_width=inner)(rows).std().item()
        assert 0.05 < deviation < 20, f"{name} at inner width {inner} starts with deviation {deviation}"


@pytest.mark.parametrize(("width", "rank"), [(1024, 16), (64, 64), (48, 8)])
def test_budget_is_the_largest_width_that_is_no_larger_than_polynomial_fusion(name: str, width: int, rank: int) -> None:
    options = {"order": 3, "rank": rank}
    with torch.device("meta"):
        budget = count(SynergisticPolynomialFusion(width, NAMES, **options, out_width=width))
        chosen = placed(name, width, options=options, inner_width="budget", budget_rank=rank)
        if name == "polynomial":
            assert isinstance(chosen, SynergisticPolynomialFusion) and count(chosen) == budget
            return
        assert isinstance(chosen, Bottleneck)
        wider = placed(name, width, options=options, inner_width=chosen.up.in_features + 1)
    assert count(chosen) <= budget < count(wider)
    assert count(chosen) > 0.85 * budget or width < 100, "one more unit of width is a small step at the paper's size"


def test_finding_the_budget_draws_no_random_number(name: str) -> None:
    found = []
    for inner in ("budget", None):
        if inner is None:
            inner = found[0].up.in_features if isinstance(found[0], Bottleneck) else None
        torch.manual_seed(4)
        found.append(placed(name, 32, inner_width=inner))
    assert all(torch.equal(a, b) for a, b in zip(found[0].parameters(), found[1].parameters(), strict=True))


def test_residual_adds_a_linear_map_of_the_concatenation(name: str) -> None:
    fusion = placed(name, residual=True).double().eval()
    if isinstance(fusion, Concatenation):
        assert count(fusion) == count(operator(name, out=WIDTH))
        return
    assert isinstance(fusion, LinearResidual | SynergisticPolynomialFusion)
    rows, present = inputs(), every_subset()
    masked = torch.cat([torch.where(present[m].unsqueeze(1), rows[m], 0.0) for m in NAMES], dim=1)
    linear, whole = fusion.residual(masked), fusion(rows, present)
    with torch.no_grad():
        for p in fusion.residual.parameters():
            p.zero_()
    torch.testing.assert_close(whole - fusion(rows, present), linear, rtol=1e-9, atol=1e-9)


def test_an_unknown_operator_and_an_impossible_width_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'polynomal'.*'polynomial'"):
        FUSION.build("polynomal", width=4, modalities=NAMES)
    for inner in (0, -3):
        with pytest.raises(UsageError, match="inner_width"):
            placed("tensor", 4, inner_width=inner)
    with pytest.raises(UsageError, match=r"budget.*inner_width"):
        placed("low-rank", 2, options={"rank": 1}, inner_width="budget", budget_order=1, budget_rank=1)
