"""CMN and ICON against a plain evaluation, query by query, and what a past may and may not change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.cmn import CMN
from crossspace.models.icon import ICON
from crossspace.models.memory_network import MemoryNetwork
from crossspace.recipes import read_recipe
from tests.models.plain import cmn as plain_cmn
from tests.models.plain import icon as plain_icon

Kind = type[CMN] | type[ICON]
KINDS: dict[str, Kind] = {"cmn": CMN, "icon": ICON}
PLAIN = {CMN: plain_cmn.logits, ICON: plain_icon.logits}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., MemoryNetwork]:
    def build(kind: Kind, **arguments: object) -> MemoryNetwork:
        torch.manual_seed(0)
        model = kind(task, **{"width": 6, "window": 4, "hops": 2, **arguments}).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        return model

    return build


def plain_loss(model: MemoryNetwork, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits, and the cross-entropy with the penalty."""
    lengths = batch.lengths.tolist()
    found, rows = [], torch.cat([batch.features[m] for m in model.task.modalities], 1)
    for said, who in zip(rows.split(lengths), batch.speakers.split(lengths), strict=True):
        for index in range(len(said)):
            window = plain_cmn.window_of(said, who.tolist(), index, model.window)
            found.append(PLAIN[type(model)](model, window))
    logits = torch.stack(found)
    losses = [torch.logsumexp(row, 0) - row[label] for row, label in zip(logits, batch.labels, strict=True)]
    return logits, torch.stack(losses).mean() + model.penalty * plain_cmn.penalty(model)


@pytest.mark.parametrize(
    "arguments", [{}, {"hops": 1}, {"window": 1, "hops": 3}, {"window": 9, "penalty": 2.0}], ids=str
)
def test_logits_loss_and_gradients_are_those_of_a_plain_evaluation(
    kind: Kind,
    small: Callable[..., MemoryNetwork],
    task: TaskSpec,
    make_batch: Callable[..., Batch],
    arguments: dict[str, object],
) -> None:
    model = small(kind, **arguments)
    batch = make_batch(task, (3, 7, 0, 1, 5), missing=0.3, dtype=torch.float64)
    logits, expected = plain_loss(model, batch)
    output = model(batch)
    torch.testing.assert_close(output.logits, logits, rtol=1e-9, atol=1e-9)
    parts = [p for o in model.objectives() for p in o.parts(output, batch).values()]
    loss = torch.stack([p.total / p.count for p in parts]).sum()
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)
    parameters = list(model.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(loss, parameters), torch.autograd.grad(expected, parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_a_query_without_a_past_keeps_its_own_features(
    kind: Kind, small: Callable[..., MemoryNetwork], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(kind, hops=3), make_batch(task, (1, 1, 1), dtype=torch.float64)
    query = torch.cat(list(batch.features.values()), 1) @ model.query.weight.T + model.query.bias
    for _ in range(4):
        query = torch.tanh(query)
    torch.testing.assert_close(model(batch).logits, model.classifier(query))


def test_what_fell_out_of_the_window_changes_nothing(
    kind: Kind, small: Callable[..., MemoryNetwork], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(kind), make_batch(task, (7,), dtype=torch.float64)
    features = {m: torch.cat([x[:1] + 1, x[1:]]) for m, x in batch.features.items()}
    found, again = model(batch).logits, model(replace(batch, features=features)).logits
    assert torch.equal(found[5:], again[5:])
    assert all(not torch.equal(found[i], again[i]) for i in range(5))


def test_speakers_are_told_apart_by_who_asks_alone(
    kind: Kind, small: Callable[..., MemoryNetwork], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(kind), make_batch(task, (5,), dtype=torch.float64)
    speakers = torch.tensor([0, 1, 2, 1, 0])
    found = model(replace(batch, speakers=speakers)).logits
    assert torch.equal(found, model(replace(batch, speakers=2 - speakers)).logits)
    # To the last query, which is speaker 0's, all others are one party; to the one before they are not.
    merged = model(replace(batch, speakers=torch.tensor([0, 1, 1, 1, 0]))).logits
    torch.testing.assert_close(found[4], merged[4], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(found[3], merged[3])


def test_an_utterance_of_which_nothing_is_there_is_still_a_turn(
    kind: Kind, small: Callable[..., MemoryNetwork], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4,), dtype=torch.float64)
    present = {m: torch.tensor([True, False, True, True]) for m in task.modalities}
    batch = replace(batch, present=present, complete=None, speakers=torch.tensor([0, 1, 1, 0]))
    other = replace(batch, speakers=torch.tensor([0, 0, 1, 0]))
    assert not torch.equal(small(kind)(batch).logits[2], small(kind)(other).logits[2])


def test_what_is_dropped_differs_from_query_to_query(
    kind: Kind, small: Callable[..., MemoryNetwork], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small(kind, dropout=0.5, width=40)
    dropped: list[Tensor] = []
    model.dropout.register_forward_hook(lambda module, inputs, rows: dropped.append(rows))
    model.train()(make_batch(task, (3,), dtype=torch.float64))
    states = dropped[0] == 0  # the slots: query 2's oldest, then query 2's and query 1's newest
    assert states.shape == (3, 40) and 0.3 < float(states.double().mean()) < 0.7
    assert not torch.equal(states[0], states[2]), "both are the first utterance, heard by two queries"


def test_the_penalty_counts_as_much_as_labelled_utterances_and_may_be_left_out(
    kind: Kind, small: Callable[..., MemoryNetwork], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(kind, penalty=0.5), make_batch(task, (5, 3), unlabelled=0.4, dtype=torch.float64)
    part = model.objectives()[1].parts(model(batch), batch)["penalty"]
    known = int((batch.labels >= 0).sum())
    assert 0 < known < 8 and int(part.count) == known
    torch.testing.assert_close(part.total / known, 0.5 * plain_cmn.penalty(model))
    assert [o.name for o in small(kind, penalty=0.0).objectives()] == ["fused"]


@pytest.mark.parametrize("fault", [{"window": 0}, {"hops": 0}, {"penalty": -1.0}])
def test_impossible_arguments_are_refused(task: TaskSpec, kind: Kind, fault: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(fault))):
        kind(task, **fault)  # type: ignore[arg-type]


def test_with_one_hop_nothing_is_rewritten(task: TaskSpec) -> None:
    model = ICON(task, width=6, hops=1)
    assert model.memory is None and len(model.penalised()) == 9


@pytest.mark.parametrize("corpus", ["iemocap", "meld", "mosi", "small"])
def test_recipes_clip_every_tensor_by_itself(kind: Kind, corpus: str) -> None:
    training = read_recipe(f"{kind.name}-{corpus}")["training"]
    assert (training["clip"], training["clip_per"]) == (40.0, "tensor")
