"""Ada2I against its equations, utterance by utterance, and against the released sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.ada2i import Ada2I
from crossspace.nn.post_norm import PostNormLayer
from tests.models.plain.ada2i import plain

IEMOCAP, MELD = tuple("abcdef"), tuple("abcdefg")


def sizes(labels: tuple[str, ...], widths: tuple[int, int, int], **arguments: object) -> dict[str, int]:
    task = TaskSpec(labels, dict(zip(("audio", "text", "visual"), widths, strict=True)))
    with without_storage():
        model = Ada2I(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in group) for name, group in model.parameter_groups().items()}


def test_sizes_are_the_released_ones_part_by_part() -> None:
    assert sizes(IEMOCAP, (512, 768, 1024)) == {
        "encoder audio": 6_458_668,
        "encoder text": 11_258_668,
        "encoder visual": 17_107_244,
        "weighting": 840_864,
        "classifier": 5_406,
    }
    meld = sizes(MELD, (300, 768, 342), width=200, rank=6)
    assert (sum(meld.values()), meld["weighting"], meld["classifier"]) == (18_564_043, 314_544, 4_207)
    assert sum(sizes(IEMOCAP, (1582, 1024, 342)).values()) == 55_293_050
    assert sum(sizes(MELD, (300, 1024, 342), width=200, rank=6).values()) == 24_387_019


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., Ada2I]:
    def build(**arguments: object) -> Ada2I:
        torch.manual_seed(0)
        known = {"width": 5, "rank": 3, "feed_forward": 7, "dropout": 0.0, "beta": 0.3}
        return Ada2I(task, **{**known, **arguments}).double()  # type: ignore[arg-type]

    return build


@pytest.mark.parametrize("cosine", ["over-classes", "over-units", "none"])
@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_logits_losses_and_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., Ada2I], task: TaskSpec, make_batch: Callable[..., Batch], cosine: str, missing: float
) -> None:
    model = small(cosine=cosine).train()
    with torch.no_grad():  # the layers of an encoder begin as copies, which would hide an exchange
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    batch = make_batch(task, (3, 1, 4), missing=missing, unlabelled=0.2, seed=2, dtype=torch.float64)
    output, (logits, unimodal, missed) = model(batch), plain(model, batch)
    torch.testing.assert_close(output.logits, logits, rtol=1e-9, atol=1e-9)
    for m, rows in unimodal.items():
        for i, expected in rows.items():
            torch.testing.assert_close(output.unimodal[m][i], expected, rtol=1e-9, atol=1e-9)
    parts = [p for o in model.objectives() for p in o.parts(output, batch).values()]
    fused, mapping = (p.total / p.count for p in parts)
    torch.testing.assert_close(mapping, missed, rtol=1e-9, atol=1e-9)
    known = batch.labels >= 0
    cross_entropy = -torch.log_softmax(logits, 1)[known, batch.labels[known]].mean()
    torch.testing.assert_close(fused, cross_entropy, rtol=1e-9, atol=1e-9)
    parameters = dict(model.named_parameters())
    ours = torch.autograd.grad(fused + mapping, parameters.values())
    theirs = torch.autograd.grad(cross_entropy + missed, parameters.values())
    for name, one, other in zip(parameters, ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=name)


def test_a_conversation_is_a_set_of_utterances(
    small: Callable[..., Ada2I], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small().eval(), make_batch(task, (6,), missing=0.3, dtype=torch.float64)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    turned = replace(
        batch,
        features={m: x[order] for m, x in batch.features.items()},
        present={m: p[order] for m, p in batch.present.items()},
        speakers=batch.speakers.flip(0),  # and nobody asks who speaks
    )
    torch.testing.assert_close(model(turned).logits, model(batch).logits[order], rtol=1e-9, atol=1e-9)


def test_a_layer_is_that_of_pytorch(make_batch: Callable[..., Batch], task: TaskSpec) -> None:
    layer, batch = PostNormLayer(6, 2, 9, 0.0).double(), make_batch(task, (5,), dtype=torch.float64)
    stock = nn.TransformerEncoderLayer(6, 2, 9, 0.0, batch_first=True).double()
    own = layer.attention
    state = {
        "self_attn.in_proj_weight": torch.cat([own.query.weight, own.key.weight, own.value.weight]),
        "self_attn.in_proj_bias": torch.cat([own.query.bias, own.key.bias, own.value.bias]),
        "self_attn.out_proj.weight": own.output.weight,
        "self_attn.out_proj.bias": own.output.bias,
    }
    parts = {"linear1": layer.inner, "linear2": layer.outer, "norm1": layer.attention_norm, "norm2": layer.norm}
    state |= {f"{name}.{k}": p for name, part in parts.items() for k, p in part.named_parameters()}
    stock.load_state_dict(state)
    rows = batch.features["text"]
    torch.testing.assert_close(layer(rows, batch.layout), stock(rows[None])[0], rtol=1e-10, atol=1e-10)


def test_initial_attention_is_drawn_as_in_pytorch() -> None:
    torch.manual_seed(0)
    own, stock = PostNormLayer(64, 4, 9, 0.0).attention, nn.MultiheadAttention(64, 4)
    for part in (own.query, own.key, own.value):
        assert part.weight.abs().max().item() == pytest.approx(stock.in_proj_weight.abs().max().item(), rel=0.01)
        assert not part.bias.any()
    assert not own.output.bias.any()


def test_layers_of_an_encoder_begin_as_copies_and_are_no_more_the_same_tensor(small: Callable[..., Ada2I]) -> None:
    for encoder in small(layers=3).encoder.values():
        for one, other in pairwise(encoder):  # type: ignore[arg-type]
            for a, b in zip(one.parameters(), other.parameters(), strict=True):
                assert torch.equal(a, b) and a is not b


@pytest.mark.parametrize(("width", "heads"), [(512, 8), (768, 6), (1024, 8), (300, 5), (342, 6), (1582, 7), (17, 1)])
def test_heads_are_the_first_number_from_five_on_that_divides_the_features(width: int, heads: int) -> None:
    with without_storage():
        model = Ada2I(TaskSpec(("a", "b"), {"x": width}), layers=1)
    assert model.encoder["x"][0].attention.heads == heads  # type: ignore[index]


def test_encoders_ahead_are_slowed_from_the_fourth_epoch_on(small: Callable[..., Ada2I]) -> None:
    modulation = small().modulation()
    assert modulation is not None and (modulation.start, modulation.noise, modulation.alpha) == (3, True, 0.037)
    factors = modulation.factors({"audio": torch.tensor(0.2), "text": torch.tensor(0.5), "visual": torch.tensor(0.2)})
    assert factors["encoder audio"] == factors["encoder visual"] == 1
    assert float(factors["encoder text"]) == pytest.approx(1 - float(torch.tanh(torch.tensor(0.037 * 2.5))))
    assert set(factors) <= set(small().parameter_groups())
    assert small(modulation_strength=0).modulation() is None


def test_another_cosine_is_refused(task: TaskSpec) -> None:
    with pytest.raises(UsageError, match="`cosine` should be 'over-classes'"):
        Ada2I(task, cosine="over-rows")  # type: ignore[arg-type]
