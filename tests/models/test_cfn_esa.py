"""CFN-ESA against its equations, utterance by utterance and pair by pair, and against the released sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.cfn_esa import CFNESA
from crossspace.models.cfn_esa import model as cfn_esa
from crossspace.nn import pair_head
from tests.models.kept import numbers_per_pair
from tests.models.plain.cfn_esa import plain, plain_shift_loss

IEMOCAP = TaskSpec(tuple("abcdef"), {"text": 1024, "audio": 1582, "visual": 342}, ("M", "F"))
MELD = TaskSpec(tuple("abcdefg"), {"text": 1024, "audio": 300, "visual": 342}, 9)
TOY = TaskSpec(tuple("abcdef"), {"text": 10, "audio": 9, "visual": 7}, ("M", "F"))


def sizes(task: TaskSpec, **arguments: object) -> dict[str, int]:
    with without_storage():
        model = CFNESA(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in group) for name, group in model.parameter_groups().items()}


def test_sizes_are_the_released_ones_part_by_part() -> None:
    d = 512
    attention = 4 * d * d + 4 * d
    feed_forward = 2 * d * d + 2 * d + 2 * d * d + d
    recurrence = 2 * (3 * d * d * 2 + 6 * d) + 2 * d * d + d
    found = sizes(IEMOCAP)
    assert found == {
        "projection": d * (1024 + 1582 + 342) + 3 * d,
        "recurrent": 2 * (recurrence + feed_forward + 4 * d),
        "crossing": 5 * (7 * attention + 2 * d * d + d + 3 * feed_forward + 18 * d),
        "joined": 3 * d * d + d,
        "dropout": 0,
        "shift": 2 * d * 128 + 128 + 2 * 128 + 2,
        "classifier": 6 * d + 6,
    }
    assert sum(found.values()) == 67_083_656
    assert sum(sizes(MELD, width=384, layers=3).values()) == 25_152_777
    assert sum(sizes(TOY, width=8, heads=2, layers=2, shift_width=6).values()) == 9_498


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., CFNESA]:
    def build(**arguments: object) -> CFNESA:
        torch.manual_seed(0)
        silent = {"recurrent_dropout": 0.0, "dropout": 0.0, "shift_dropout": 0.0}
        known = {"width": 8, "heads": 2, "layers": 2, "shift_width": 3, "shift_weight": 0.7, "shift_rate": 0.3}
        model = CFNESA(task, **{**known, **silent, **arguments}).double()  # type: ignore[arg-type]
        with torch.no_grad():  # layers begin as copies, which would hide an exchange
            for p in model.parameters():
                p += 0.1 * torch.randn_like(p)
        return model

    return build


@pytest.mark.parametrize("loss", ["cross-entropy", "released-focal"])
@pytest.mark.parametrize(("missing", "leading"), [(0.0, None), (0.5, None), (0.2, "audio")])
def test_logits_losses_and_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., CFNESA],
    task: TaskSpec,
    make_batch: Callable[..., Batch],
    loss: str,
    missing: float,
    leading: str | None,
) -> None:
    model = small(loss=loss, leading=leading).train()
    batch = make_batch(task, (3, 1, 4), missing=missing, unlabelled=0.2, seed=2, dtype=torch.float64)
    output, (logits, shifts) = model(batch), plain(model, batch)
    torch.testing.assert_close(output.logits, logits, rtol=1e-9, atol=1e-9)
    pairs = batch.layout.pairs()
    ordered = [shifts[i, j] for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)]
    torch.testing.assert_close(output.extras["shift"], torch.stack(ordered), rtol=1e-9, atol=1e-9)
    emotion, shift = (p.total / p.count for o in model.objectives() for p in o.parts(output, batch).values())
    known = [i for i, y in enumerate(batch.labels.tolist()) if y >= 0]
    logs = torch.log_softmax(logits, 1)
    if loss == "cross-entropy":
        expected = torch.stack([-logs[i, batch.labels[i]] for i in known]).mean()
    else:
        each = [
            -((1 - (c == batch.labels[i]) * logs[i, c]) ** 2.5) * logs[i, c] for i in known for c in range(len(logs[i]))
        ]
        expected = torch.stack(each).mean()
    shifted = 0.7 * plain_shift_loss(shifts, batch.labels, 0.3)
    torch.testing.assert_close(torch.stack([emotion, shift]), torch.stack([expected, shifted]), rtol=1e-9, atol=1e-9)
    parameters = dict(model.named_parameters())
    both = [torch.autograd.grad(t, parameters.values()) for t in (emotion + shift, expected + shifted)]
    for name, one, other in zip(parameters, *both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=name)


def test_pairs_in_slices_give_the_same_numbers_and_gradients(
    small: Callable[..., CFNESA], task: TaskSpec, make_batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, batch = small().train(), make_batch(task, (5, 3), dtype=torch.float64)
    found = []
    for size in (1 << 18, 7):
        monkeypatch.setattr(pair_head, "_SLICE", size)
        shift = model(batch).extras["shift"]
        found.append([shift, *torch.autograd.grad(shift.square().sum(), list(model.shared_parameters()))])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_second_pass_has_dropout_of_its_own_and_belongs_to_training(
    small: Callable[..., CFNESA], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(dropout=0.5), make_batch(task, (4,), dtype=torch.float64)
    rows = model.train().encode(batch)
    assert not torch.equal(rows["context"], rows["view"])
    assert set(model.eval().encode(batch)) == {"context"}
    with torch.inference_mode():
        assert not model(batch).extras  # nobody pays for pairs in a prediction


def test_without_the_shift_nothing_is_computed_for_it(
    small: Callable[..., CFNESA], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small(shift_weight=0.0).train()
    assert [o.name for o in model.objectives()] == ["fused"] and model.numbers_per_pair() == 0
    assert set(model.encode(make_batch(task, (4,), dtype=torch.float64))) == {"context"}


def test_layers_begin_as_copies(task: TaskSpec) -> None:
    model = CFNESA(task, width=8, heads=2, recurrent_layers=3, layers=3)
    for stack in (model.recurrent, model.crossing):
        for one, other in pairwise(stack):
            for a, b in zip(one.parameters(), other.parameters(), strict=True):
                assert torch.equal(a, b) and a is not b


@pytest.mark.parametrize(("arguments", "said"), [({"loss": "hinge"}, "`loss`"), ({"shift_rate": 1.0}, "`shift_rate`")])
def test_what_cannot_be_is_refused(task: TaskSpec, arguments: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        CFNESA(task, width=8, heads=2, **arguments)


def test_it_keeps_as_much_for_every_pair_as_it_says(
    task: TaskSpec, make_batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_head, "_SLICE", 1000)  # as for conversations that are long
    model = CFNESA(task, width=8, heads=2, layers=1).train()
    assert numbers_per_pair(model, lambda n: make_batch(task, (n,)), 60) == pytest.approx(
        model.numbers_per_pair(), rel=0.2
    )


def test_layers_that_are_computed_again_give_the_same_numbers_and_gradients(
    task: TaskSpec, make_batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model, batch, found = CFNESA(task, width=8, heads=2).double().train(), make_batch(task, (5, 3), 0.3), []
    batch = replace(batch, features={m: x.double() for m, x in batch.features.items()})
    for longest in (1024, 4):
        monkeypatch.setattr(cfn_esa, "_LONG", longest)
        torch.manual_seed(1)  # dropout repeats in what is computed again
        output = model(batch)
        loss = output.logits.square().sum() + output.extras["shift"].square().sum()
        found.append([output.logits, *torch.autograd.grad(loss, list(model.parameters()))])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
