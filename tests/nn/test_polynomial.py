"""SPF: the equations, what is missing, and how it behaves around zero."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from crossspace.errors import UsageError
from crossspace.nn import SynergisticPolynomialFusion

NAMES = ("text", "audio", "visual")


def inputs(rows: int = 5, width: int = 6, dtype: torch.dtype = torch.float64, seed: int = 0) -> dict:
    random = torch.Generator().manual_seed(seed)
    return {m: torch.randn(rows, width, generator=random, dtype=dtype) for m in NAMES}


@pytest.fixture
def paper() -> SynergisticPolynomialFusion:
    torch.manual_seed(0)
    made = SynergisticPolynomialFusion(6, NAMES, order=3, rank=4, out_width=7).double()
    with torch.no_grad():
        made.gate_logit.normal_()
        made.output.bias.normal_()
    return made


@pytest.fixture
def released() -> SynergisticPolynomialFusion:
    torch.manual_seed(1)
    return SynergisticPolynomialFusion(
        6, NAMES, order=2, rank=4, out_width=7, residual=True, root="released", gelu="tanh"
    ).double()


def literal(fusion: SynergisticPolynomialFusion, rows: dict, names: tuple[str, ...] = NAMES) -> torch.Tensor:
    """Equations 7 to 10 utterance by utterance, with loops, over the named modalities only."""
    order, rank = fusion.anchor.shape
    results = []
    for t in range(len(rows["text"])):
        product = torch.ones(rank, dtype=torch.float64)
        for j in range(order):
            total = fusion.anchor[j].clone()
            for m, name in enumerate(NAMES):
                if name in names:
                    z = F.gelu(fusion.projection[m, j] @ rows[name][t], approximate=fusion.gelu)
                    total = total + z / (1 + torch.exp(-fusion.gate_logit[j, m]))
            product = product * total
        eps = 1e-6
        shift = eps**0.5 if fusion.root == "continuous" else 0.0
        root = product.sign() * ((product.abs() + eps).sqrt() - shift)
        out = fusion.output.weight @ root + fusion.output.bias
        if fusion.residual is not None:
            whole = torch.cat([rows[m][t] if m in names else torch.zeros_like(rows[m][t]) for m in NAMES])
            out = out + fusion.residual.weight @ whole + fusion.residual.bias
        results.append(out)
    return torch.stack(results)


def test_paper_form_equals_the_equations_written_as_loops(paper: SynergisticPolynomialFusion) -> None:
    torch.testing.assert_close(paper(inputs()), literal(paper, inputs()), rtol=0, atol=1e-9)


def test_released_form_equals_its_description_written_as_loops(released: SynergisticPolynomialFusion) -> None:
    torch.testing.assert_close(released(inputs()), literal(released, inputs()), rtol=0, atol=1e-12)


def test_attributes_have_the_shapes_that_the_design_promises(paper: SynergisticPolynomialFusion) -> None:
    assert paper.projection.shape == (3, 3, 4, 6)
    assert paper.gate_logit.shape == (3, 3)
    assert paper.anchor.shape == (3, 4)
    assert isinstance(paper.output, torch.nn.Linear)
    assert paper.output.weight.shape == (7, 4)
    assert paper.residual is None


@pytest.mark.parametrize(("order", "expected"), [(1, 3_213_331), (3, 3_311_673), (4, 3_360_844), (5, 3_410_015)])
def test_parameter_counts_are_those_of_the_table(order: int, expected: int) -> None:
    with torch.device("meta"):
        fusion = SynergisticPolynomialFusion(1024, NAMES, order=order, rank=16, out_width=1024, residual=True)
    assert sum(p.numel() for p in fusion.parameters()) == expected


def test_gates_start_where_they_are_told_to() -> None:
    fusion = SynergisticPolynomialFusion(4, NAMES, order=2, rank=3, out_width=4, gate_init=-0.5)
    assert (fusion.gate_logit == -0.5).all()


@pytest.mark.parametrize("absent", NAMES)
@pytest.mark.parametrize("form", ["paper", "released"])
def test_missing_modality_is_left_out_of_the_sums(form: str, absent: str, request: pytest.FixtureRequest) -> None:
    fusion, rows = request.getfixturevalue(form), inputs()
    here = torch.tensor([True, False, True, False, False])
    found = fusion(rows, {absent: here})
    torch.testing.assert_close(found[here], literal(fusion, rows)[here])
    others = tuple(m for m in NAMES if m != absent)
    torch.testing.assert_close(found[~here], literal(fusion, rows, others)[~here])


@pytest.mark.parametrize("form", ["paper", "released"])
def test_garbage_in_missing_rows_changes_neither_value_nor_gradient(form: str, request: pytest.FixtureRequest) -> None:
    fusion, here = request.getfixturevalue(form), torch.tensor([True, False, True, False, True])
    gradients = []
    for garbage in (0.0, float("nan"), float("inf")):
        rows = {m: x.clone() for m, x in inputs().items()}
        rows["audio"][~here] = garbage
        rows = {m: x.requires_grad_() for m, x in rows.items()}
        out = fusion(rows, {"audio": here})
        fusion.zero_grad()
        out.square().sum().backward()
        assert (rows["audio"].grad[~here] == 0).all()
        gradients.append([out.detach(), *(p.grad.clone() for p in fusion.parameters())])
    for other in gradients[1:]:
        assert all(torch.equal(a, b) for a, b in zip(gradients[0], other, strict=True))


def test_where_no_modality_is_present_the_anchors_alone_speak(paper: SynergisticPolynomialFusion) -> None:
    nobody = {m: torch.zeros(5, dtype=torch.bool) for m in NAMES}
    product = paper.anchor.prod(0)
    root = product.sign() * ((product.abs() + 1e-6).sqrt() - 1e-3)
    expected = paper.output(root).expand(5, -1)
    torch.testing.assert_close(paper(inputs(), nobody), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("root", ["continuous", "released"])
@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [0.0, 1e-30, -1e-30, 1e-8, 1.0, 30.0])
def test_value_and_gradient_are_finite_around_zero(root: str, order: int, dtype: torch.dtype, size: float) -> None:
    fusion = SynergisticPolynomialFusion(3, NAMES, order=order, rank=2, out_width=2, root=root).to(dtype)
    for anchors in (0.0, None):
        if anchors is not None:
            torch.nn.init.constant_(fusion.anchor, anchors)
        rows = {m: torch.full((2, 3), size, dtype=dtype, requires_grad=True) for m in NAMES}
        out = fusion(rows)
        out.sum().backward()
        assert torch.isfinite(out).all()
        for tensor in (*rows.values(), *fusion.parameters()):
            assert torch.isfinite(tensor.grad).all()
        fusion.zero_grad()
        fusion.reset_parameters()


def test_continuous_root_passes_through_zero_and_the_released_one_jumps_there() -> None:
    tiny = torch.tensor([-1e-12, 0.0, 1e-12], dtype=torch.float64)
    build = {r: SynergisticPolynomialFusion(1, ("a",), 1, 1, 1, root=r) for r in ("continuous", "released")}
    assert build["continuous"]._signed_root(tiny).abs().max() < 1e-8
    torch.testing.assert_close(
        build["released"]._signed_root(tiny), torch.tensor([-1e-3, 0.0, 1e-3], dtype=torch.float64), rtol=0, atol=1e-8
    )


@pytest.mark.parametrize("root", ["continuous", "released"])
def test_both_roots_approach_the_root_of_the_paper_away_from_zero(root: str) -> None:
    z = torch.tensor([-9.0, -4.0, 4.0, 25.0], dtype=torch.float64)
    fusion = SynergisticPolynomialFusion(1, ("a",), 1, 1, 1, root=root)
    torch.testing.assert_close(fusion._signed_root(z), z.sign() * z.abs().sqrt(), rtol=0, atol=1.01e-3)


@pytest.mark.parametrize("form", ["paper", "released"])
def test_gradient_is_that_of_finite_differences(form: str, request: pytest.FixtureRequest) -> None:
    fusion, rows = request.getfixturevalue(form), inputs(2)

    def of(*values: torch.Tensor) -> torch.Tensor:
        return fusion(dict(zip(NAMES, values, strict=True)))

    assert torch.autograd.gradcheck(of, [rows[m].requires_grad_() for m in NAMES])


def test_an_empty_batch_gives_no_rows(paper: SynergisticPolynomialFusion) -> None:
    assert paper(inputs(0)).shape == (0, 7)


@pytest.mark.parametrize("fault", [{"order": 0}, {"rank": 0}, {"modalities": ()}, {"root": "square"}])
def test_impossible_arguments_are_refused(fault: dict) -> None:
    fine = {"width": 4, "modalities": NAMES, "order": 2, "rank": 3, "out_width": 4}
    with pytest.raises(UsageError):
        SynergisticPolynomialFusion(**{**fine, **fault})


def test_a_modality_that_was_not_given_is_named(paper: SynergisticPolynomialFusion) -> None:
    rows = inputs()
    del rows["visual"]
    with pytest.raises(UsageError, match="visual"):
        paper(rows)
