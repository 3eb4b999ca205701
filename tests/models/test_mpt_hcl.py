"""MPT-HCL, a reconstruction, against its equations utterance by utterance."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.mpt_hcl import MPTHCL
from crossspace.models.mpt_hcl.model import VIEW
from tests.models.kept import numbers_per_pair
from tests.models.plain.mpt_hcl import plain, plain_losses


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., MPTHCL]:
    def build(**arguments: object) -> MPTHCL:
        torch.manual_seed(0)
        known = {"width": 8, "heads": 2, "layers": 2, "dropout": 0.0, "view_weight": 0.3, "label_weight": 0.7}
        return MPTHCL(task, **{**known, **arguments}).double()  # type: ignore[arg-type]

    return build


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({}, 0.0),
        ({}, 0.5),
        ({"prompt": "utterance", "filtered_head": True}, 0.5),
        ({"prompt": "pooled", "guided": False}, 0.5),
        ({"leading": "visual", "temperature": 0.5}, 0.2),
    ],
)
def test_logits_losses_and_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., MPTHCL], task: TaskSpec, make_batch: Callable[..., Batch], arguments: dict, missing: float
) -> None:
    model = small(**arguments).train()
    batch = make_batch(task, (3, 1, 5), missing=missing, unlabelled=0.2, seed=4, dtype=torch.float64)
    output, (rows, logits) = model(batch), plain(model, batch)
    close = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(output.logits, logits, **close)
    torch.testing.assert_close(output.extras[VIEW], output.extras["rows"], rtol=0, atol=0)
    ours = [p.total / p.count for o in model.objectives() for p in o.parts(output, batch).values()]
    cross, views, supervised = plain_losses(rows, logits, batch.labels, model.temperature)
    theirs = [cross, 0.3 * views, 0.7 * supervised]
    torch.testing.assert_close(torch.stack(ours), torch.stack(theirs), **close)
    parameters = dict(model.named_parameters())
    both = [torch.autograd.grad(sum(losses), parameters.values()) for losses in (ours, theirs)]
    for name, one, other in zip(parameters, *both, strict=True):
        torch.testing.assert_close(one, other, **close, msg=name)


def test_prompts_of_zeros_still_take_a_share_of_the_attention_and_masked_ones_none(
    small: Callable[..., MPTHCL], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4,), dtype=torch.float64)
    silenced, without = small(layers=1).eval(), small(layers=1).eval()
    with torch.no_grad():
        for p in silenced.layers[0].prompt.parameters():  # type: ignore[union-attr]
            p.zero_()
    without.layers[0].prompt = None
    apart = silenced(batch).logits - without(batch).logits
    assert apart.abs().max() > 1e-6
    masked = batch.keep([silenced.leading])
    torch.testing.assert_close(silenced(masked).logits, without(masked).logits, rtol=1e-12, atol=1e-12)


def test_two_views_differ_by_dropout_in_training_alone(
    small: Callable[..., MPTHCL], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(dropout=0.5), make_batch(task, (4, 3), dtype=torch.float64)
    output = model.train()(batch)
    assert not torch.equal(output.extras["rows"], output.extras[VIEW])
    output = model.eval()(batch)
    assert torch.equal(output.extras["rows"], output.extras[VIEW])


def test_a_weight_of_zero_leaves_its_contrast_out_and_without_both_nothing_is_read_twice(
    small: Callable[..., MPTHCL], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    assert [o.name for o in small(view_weight=0.0).objectives()] == ["fused", "contrast"]
    assert [o.name for o in small(label_weight=0.0).objectives()] == ["fused", "view-contrast"]
    model = small(view_weight=0.0, label_weight=0.0).train()
    assert VIEW not in model.encode(make_batch(task, (3,), dtype=torch.float64))


def test_a_label_that_stands_once_gives_a_finite_loss(
    small: Callable[..., MPTHCL], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (1,), dtype=torch.float64)
    model = small().train()
    parts = [p for o in model.objectives() for p in o.parts(model(batch), batch).values()]
    assert all(torch.isfinite(p.total) for p in parts)


def test_a_table_says_that_it_is_reconstructed() -> None:
    assert "reconstructed" in MPTHCL.citation and (MPTHCL.__doc__ or "").startswith("Reconstructed")


def test_another_prompt_is_refused(task: TaskSpec) -> None:
    with pytest.raises(UsageError, match="`prompt` should be 'conversation'"):
        MPTHCL(task, prompt="word")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments", [{}, {"label_weight": 0.0, "layers": 5}, {"label_weight": 0.0, "view_weight": 0.0}]
)
def test_it_keeps_as_much_for_every_pair_as_it_says(
    task: TaskSpec, make_batch: Callable[..., Batch], arguments: dict
) -> None:
    model = MPTHCL(task, width=8, heads=2, **arguments).train()
    kept = numbers_per_pair(model, lambda n: make_batch(task, (n,)), 60)
    assert kept == pytest.approx(model.numbers_per_pair(), rel=0.05)
