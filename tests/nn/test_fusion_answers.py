"""Known answers of the fusion operators: their sizes, and their equations written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from crossspace.errors import UsageError
from crossspace.nn.fusion import FUSION, FUSIONS
from crossspace.nn.fusion.factorized_bilinear import FactorizedBilinear
from crossspace.nn.fusion.low_rank import LowRankFusion
from crossspace.nn.fusion.polynomial import SynergisticPolynomialFusion
from crossspace.nn.fusion.polynomial_tensor import PolynomialTensorPooling
from crossspace.nn.fusion.root import signed_root
from crossspace.nn.fusion.softmax_gate import SoftmaxGate
from crossspace.nn.fusion.tensor import TensorFusion

NAMES = ("text", "audio", "visual")


@pytest.fixture
def rows() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return {m: torch.randn(5, 4, generator=random, dtype=torch.float64) for m in NAMES}


@pytest.fixture
def present() -> dict[str, torch.Tensor]:
    return {
        "audio": torch.tensor([True, False, True, False, True]),
        "text": torch.tensor([True, True, True, False, True]),
    }


@pytest.fixture
def ones(rows: dict, present: dict) -> list[torch.Tensor]:
    """``[1; h]`` of every modality, with zeros for h where it is missing."""
    everywhere = torch.ones(5, dtype=torch.bool)
    kept = [rows[m] * present.get(m, everywhere).unsqueeze(1) for m in NAMES]
    return [torch.cat([torch.ones(5, 1, dtype=torch.float64), x], dim=1) for x in kept]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("concatenation", {}, 3_146_752),
        ("softmax-gate", {}, 1_048_576),
        ("low-rank", {"rank": 16}, 50_381_840),
        ("factorized-bilinear", {"factors": 16}, 50_380_800 + 1_049_600),
        ("polynomial-tensor", {"order": 2, "rank": 16}, 115_744),
        ("polynomial-tensor", {"order": 3, "rank": 16}, 164_912),
        ("polynomial-tensor", {"order": 4, "rank": 16}, 214_080),
        ("polynomial", {"order": 1, "rank": 16}, 66_579),
        ("polynomial", {"order": 2, "rank": 16}, 115_750),
        ("polynomial", {"order": 3, "rank": 16}, 164_921),
        ("polynomial", {"order": 4, "rank": 16}, 214_092),
        ("polynomial", {"order": 3, "rank": 16, "shared": True}, 3 * (1024 * 16 + 16) + 17 * 1024),
    ],
)
def test_parameter_counts_are_those_of_the_literature(name: str, arguments: dict, expected: int) -> None:
    with torch.device("meta"):
        fusion = FUSIONS[name](width=1024, modalities=NAMES, out_width=1024, **arguments)
    assert sum(p.numel() for p in fusion.parameters()) == expected


def test_parameter_count_of_tensor_fusion_after_projection() -> None:
    with torch.device("meta"):
        projected = TensorFusion(32, NAMES, 1024)
        whole = FUSION.build({"name": "tensor", "inner_width": 32}, width=1024, modalities=NAMES)
    assert sum(p.numel() for p in projected.parameters()) == 33**3 * 1024 + 1024
    assert sum(p.numel() for p in whole.parameters()) == 3 * 1024 * 32 + (33**3 + 1) * 32 + 33 * 1024


def test_tensor_fusion_at_full_width_is_refused_with_advice() -> None:
    with pytest.raises(UsageError, match=r"1,076,890,625.*inner_width"):
        TensorFusion(1024, NAMES, 1024)
    with torch.device("meta"):
        assert TensorFusion(99, NAMES, 2).output.in_features == 1_000_000


def test_softmax_gate_is_the_mean_under_a_softmax_over_what_is_present(rows: dict, present: dict) -> None:
    fusion = SoftmaxGate(4, NAMES, 4).double()
    found = fusion(rows, present)
    for n in range(5):
        here = [rows[m][n] for m in NAMES if m not in present or present[m][n]]
        weights = torch.stack([fusion.gate.weight @ h for h in here]).softmax(dim=0)
        torch.testing.assert_close(found[n], (weights * torch.stack(here)).sum(dim=0))


def test_softmax_gate_of_nothing_is_zero(rows: dict) -> None:
    nobody = {m: torch.zeros(5, dtype=torch.bool) for m in NAMES}
    assert (SoftmaxGate(4, NAMES, 4).double()(rows, nobody) == 0).all()


def test_tensor_fusion_is_a_linear_map_of_the_outer_product(rows: dict, present: dict, ones: list) -> None:
    fusion = TensorFusion(4, NAMES, 3).double()
    weights = fusion.output.weight.unflatten(1, (5, 5, 5))
    expected = torch.einsum("oijk,ni,nj,nk->no", weights, *ones) + fusion.output.bias
    torch.testing.assert_close(fusion(rows, present), expected)


def test_low_rank_fusion_is_the_contraction_of_a_whole_tensor(rows: dict, present: dict, ones: list) -> None:
    fusion = LowRankFusion(4, NAMES, 3, rank=2).double()
    torch.nn.init.normal_(fusion.bias)
    whole = torch.einsum("r,roi,roj,rok->oijk", fusion.rank_weight, *fusion.factor)
    expected = torch.einsum("oijk,ni,nj,nk->no", whole, *ones) + fusion.bias
    torch.testing.assert_close(fusion(rows, present), expected)


def test_polynomial_tensor_pooling_of_order_two_is_a_quadratic_form(rows: dict, present: dict, ones: list) -> None:
    fusion = PolynomialTensorPooling(4, NAMES, 3, order=2, rank=6).double()
    f = torch.cat([ones[0], ones[1][:, 1:], ones[2][:, 1:]], dim=1)
    forms = torch.einsum("ra,rb->rab", *fusion.factor)
    expected = fusion.output(signed_root(torch.einsum("na,rab,nb->nr", f, forms, f)))
    torch.testing.assert_close(fusion(rows, present), expected)


def test_factorised_bilinear_fusion_is_its_equations_written_as_loops(rows: dict, present: dict) -> None:
    fusion = FactorizedBilinear(4, NAMES, 3, factors=2).double().eval()
    found = fusion(rows, present)
    for n in range(5):
        z = torch.ones(6, dtype=torch.float64)
        for projection, m in zip(fusion.projection, NAMES, strict=True):
            if m not in present or present[m][n]:
                z = z * (projection.weight @ rows[m][n] + projection.bias)
        z = torch.stack([z[0] + z[1], z[2] + z[3], z[4] + z[5]])
        z = z.sign() * ((z.abs() + 1e-6).sqrt() - 1e-3)
        z = z / (z.square().sum() + 1e-6).sqrt()
        torch.testing.assert_close(found[n], fusion.output.weight @ z + fusion.output.bias)


def test_factorised_bilinear_fusion_drops_out_in_training_only(rows: dict) -> None:
    fusion = FactorizedBilinear(4, NAMES, 3, dropout=0.5).double()
    assert not torch.equal(fusion(rows), fusion(rows))
    fusion.eval()
    assert torch.equal(fusion(rows), fusion(rows))


def test_shared_projection_has_one_matrix_per_order_and_no_gates(rows: dict, present: dict) -> None:
    fusion = SynergisticPolynomialFusion(4, NAMES, order=2, rank=3, out_width=3, shared=True).double()
    assert fusion.projection.shape == (1, 2, 3, 4) and fusion.gate_logit is None
    found = fusion(rows, present)
    for n in range(5):
        product = torch.ones(3, dtype=torch.float64)
        for j in range(2):
            here = [rows[m][n] for m in NAMES if m not in present or present[m][n]]
            product = product * (fusion.anchor[j] + sum(F.gelu(fusion.projection[0, j] @ h) for h in here))
        torch.testing.assert_close(found[n], fusion.output(signed_root(product)))


def test_shared_projection_does_not_tell_the_modalities_apart(rows: dict) -> None:
    exchanged = {"text": rows["audio"], "audio": rows["text"], "visual": rows["visual"]}
    for shared in (True, False):
        torch.manual_seed(0)
        fusion = SynergisticPolynomialFusion(4, NAMES, order=2, rank=3, out_width=3, shared=shared).double()
        assert torch.allclose(fusion(rows), fusion(exchanged), rtol=1e-12) is shared
