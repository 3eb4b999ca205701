"""What every model promises that is causal or can be: nothing of the future, and piece by piece the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.batching.memory import Memory
from crossspace.data.task import TaskSpec
from crossspace.models import MODELS, Model
from crossspace.nn.attention import attend
from crossspace.nn.missing import only
from tests.models.small import small

CAUSAL = [name for name, kind in MODELS.items() if kind.causal or "causal" in inspect.signature(kind).parameters]
VARIANTS: list[tuple[str, dict[str, object]]] = [
    *((name, {}) for name in CAUSAL),
    ("css", {"encoder": {"layers": 2}, "standardise": True, "text_bias": "text", "interaction": {"shared": True}}),
    ("css", {"encoder": {"name": "gru", "layers": 2}}),
    ("css", {"encoder": "lstm", "interaction_aware": False}),
    ("css", {"context": False, "causal": False}),
    ("bc-lstm", {"layers": 2}),
    ("dialoguernn", {"listener": True, "context_attention": "simple"}),
    ("cmn", {"window": 3, "hops": 2}),
    ("icon", {"window": 3, "hops": 1}),
]


def test_models_that_can_be_causal_are_found() -> None:
    assert {"css", "bc-lstm", "sdt", "dialoguernn", "cmn", "icon"} <= set(CAUSAL)


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join([variant[0], *variant[1]]))
def causal(request: pytest.FixtureRequest, task: TaskSpec) -> Model:
    """A causal model in evaluation, in float64."""
    name, arguments = request.param
    torch.manual_seed(0)
    model = small(MODELS[name], task, **{"causal": True, **arguments})
    return model.double().eval()


def outputs(model: Model, batch: Batch) -> dict[str, torch.Tensor]:
    output = model(batch)
    return {"": output.logits, **{m: only(x, batch.present[m]) for m, x in output.unimodal.items()}}


@pytest.mark.parametrize("missing", [0.0, 0.4, 0.95])
def test_later_utterances_change_nothing(
    causal: Model, task: TaskSpec, make_batch: Callable[..., Batch], missing: float
) -> None:
    assert causal.causal
    lengths = (7, 2, 6, 5)
    batch = make_batch(task, lengths, missing=missing, dtype=torch.float64)
    other = make_batch(task, lengths, missing=0.4, seed=9, dtype=torch.float64)
    for kept in (1, 2, 4):
        late = batch.layout.positions >= kept
        changed = replace(
            batch,
            features={m: torch.where(late.unsqueeze(1), other.features[m], x) for m, x in batch.features.items()},
            speakers=torch.where(late, other.speakers, batch.speakers),
        )
        found, again = outputs(causal, batch), outputs(causal, changed)
        for name, values in found.items():
            assert torch.equal(values[~late], again[name][~late])
        present = {m: torch.where(late, ~p, p) for m, p in batch.present.items()}
        again = outputs(causal, replace(changed, present=present, complete=None))
        for name, values in found.items():
            torch.testing.assert_close(values[~late], again[name][~late], rtol=1e-12, atol=1e-12)
        assert not torch.equal(found[""][late], again[""][late])


@pytest.mark.parametrize("missing", [0.0, 0.4, 0.95])
def test_a_conversation_that_goes_on_leaves_its_beginning_as_it_was(
    causal: Model, task: TaskSpec, make_batch: Callable[..., Batch], take: Callable[..., Batch], missing: float
) -> None:
    batch = make_batch(task, (5, 3), missing=missing, dtype=torch.float64)
    divided = replace(batch, lengths=torch.tensor([2, 3, 2, 1]), conversation_ids=tuple("abcd"))
    shorter = take(divided, (0, 2))
    again = outputs(causal, shorter)
    for name, values in outputs(causal, batch).items():
        torch.testing.assert_close(again[name], values[[0, 1, 5, 6]], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.4, 0.95])
@pytest.mark.parametrize("pieces", [(1,) * 12, (12,), (3, 1, 1, 5, 2)])
def test_piece_by_piece_equals_one_pass_over_the_whole(
    causal: Model, task: TaskSpec, make_batch: Callable[..., Batch], missing: float, pieces: tuple[int, ...]
) -> None:
    batch = make_batch(task, (12, 12, 12), missing=missing, dtype=torch.float64)
    memory, found = Memory(), []
    with torch.inference_mode():
        for count in pieces:
            places = batch.layout.positions
            rows = (places >= memory.seen) & (places < memory.seen + count)
            piece = Batch(
                features={m: x[rows] for m, x in batch.features.items()},
                present={m: p[rows] for m, p in batch.present.items()},
                lengths=torch.tensor([count] * 3),
                speakers=batch.speakers[rows],
                labels=batch.labels[rows],
                memory=memory,
            )
            found.append({name: x.unflatten(0, (3, count)) for name, x in outputs(causal, piece).items()})
            memory.seen += count
        for name, expected in outputs(causal, batch).items():
            together = torch.cat([piece[name] for piece in found], dim=1).flatten(0, 1)
            torch.testing.assert_close(together, expected, rtol=1e-12, atol=1e-12)


def test_training_reaches_every_parameter_also_where_nothing_is_seen_yet(
    causal: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    output = causal.train()(make_batch(task, (5, 2, 6), missing=0.5, dtype=torch.float64))
    sum(x.square().sum() for x in (output.logits, *output.unimodal.values())).backward()
    assert all(torch.isfinite(p.grad).all() for p in causal.parameters() if p.requires_grad)


def test_a_memory_is_for_conversations_that_go_on_by_equal_lengths() -> None:
    with pytest.raises(ValueError, match="equal lengths"):
        Layout((2, 1), memory=Memory())


def test_attention_that_does_not_say_whose_it_is_has_no_memory() -> None:
    rows = torch.zeros(2, 4)
    with pytest.raises(ValueError, match="owner"):
        attend(rows, rows, rows, Layout((2,), memory=Memory()).past, heads=1)
