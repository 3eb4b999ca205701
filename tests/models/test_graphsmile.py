"""GraphSmile against its equations, edge by edge, and against the released sizes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.errors import UnsuitableError, UsageError
from crossspace.models.graphsmile import GraphSmile
from crossspace.models.graphsmile import graph as graphs
from tests.models.kept import numbers_per_pair
from tests.models.plain.graphsmile import plain

IEMOCAP = TaskSpec(tuple("abcdef"), {"text": 4096, "audio": 1582, "visual": 342}, ("M", "F"), vectors={"text": 4})
MELD = TaskSpec(tuple("abcdefg"), {"text": 4096, "audio": 300, "visual": 342}, 9, vectors={"text": 4})
SMALLER = {"width": 384, "layers": 5, "past": 3, "future": 3, "shift_window": 3}


def sizes(task: TaskSpec, **arguments: object) -> dict[str, int]:
    with without_storage():
        model = GraphSmile(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in group) for name, group in model.parameter_groups().items()}


def test_sizes_are_the_released_ones_part_by_part() -> None:
    h = 512
    released = sizes(IEMOCAP, edge_weights="by-position", hold_unused=True)
    assert released == {
        "norm": 2048,
        "projection": h * (1024 + 1582 + 342) + 3 * h,
        "graphs": 3 * (500_000 + 14 * (h * h + h)),
        "fusion": h * h + h,
        "dropout": 0,
        "classifier": 6 * h + 6,
        "sentiment": 3 * h + 3,
        "shift": 4 * h + 2,
        "unused": 3 * 2048 + 3 * (h * h + h),
    }
    assert sum(released.values()) == 15_107_947
    assert sum(sizes(IEMOCAP, edge_weights="by-position").values()) == 14_313_835
    assert sum(sizes(MELD, edge_weights="by-position", hold_unused=True, **SMALLER).values()) == 7_181_036
    assert sum(sizes(MELD, edge_weights="by-position", **SMALLER).values()) == 6_731_372
    # By distance: 35 distances, two directions, three graphs.
    assert sum(sizes(IEMOCAP).values()) == 14_313_835 - 1_500_000 + 210


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., GraphSmile]:
    def build(**arguments: object) -> GraphSmile:
        torch.manual_seed(0)
        known = {"width": 5, "layers": 2, "past": 2, "future": 1, "dropout": 0.0, "shift_window": 2}
        model = GraphSmile(task, **{**known, "sentiment_weight": 0.6, **arguments}).double()  # type: ignore[arg-type]
        with torch.no_grad():  # weights begin as ones and layers as copies, which would hide an exchange
            for p in model.parameters():
                p += 0.1 * torch.rand_like(p)
        return model

    return build


def plain_loss(logits: Tensor, labels: Tensor) -> Tensor:
    known = [i for i, y in enumerate(labels.tolist()) if y >= 0]
    return torch.stack([-torch.log_softmax(logits[i], 0)[labels[i]] for i in known]).mean()


@pytest.mark.parametrize("weights", ["by-distance", "by-position"])
@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({}, 0.0),
        ({}, 0.5),
        ({"past": None, "future": 0, "shift_window": None, "leading": "visual"}, 0.3),
        # More utterances than this compose the maps of the layers; fewer do not.
        ({"width": 11, "layers": 3}, 0.3),
    ],
)
def test_logits_losses_and_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., GraphSmile],
    task: TaskSpec,
    make_batch: Callable[..., Batch],
    weights: str,
    arguments: dict,
    missing: float,
) -> None:
    model = small(edge_weights=weights, **arguments).train()
    batch = make_batch(task, (4, 1, 5), missing=missing, unlabelled=0.2, seed=2, dtype=torch.float64)
    output, (logits, sentiments, shifts) = model(batch), plain(model, batch)
    torch.testing.assert_close(output.logits, logits, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(output.extras["sentiment"], sentiments, rtol=1e-9, atol=1e-9)
    pairs = batch.layout.pairs(model.shift_window)
    ordered = [shifts[i, j] for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)]
    torch.testing.assert_close(output.extras["shift"], torch.stack(ordered), rtol=1e-9, atol=1e-9)
    assert batch.sentiments is not None
    felt = batch.sentiments.tolist()
    known = [(i, j) for i, j in shifts if felt[i] >= 0 and felt[j] >= 0]
    shifted = [-torch.log_softmax(shifts[i, j], 0)[int(felt[i] != felt[j])] for i, j in known]
    theirs = [
        plain_loss(logits, batch.labels),
        0.6 * plain_loss(sentiments, batch.sentiments),
        0.7 * torch.stack(shifted).mean(),
    ]
    ours = [p.total / p.count for o in model.objectives() for p in o.parts(output, batch).values()]
    torch.testing.assert_close(torch.stack(ours), torch.stack(theirs), rtol=1e-9, atol=1e-9)
    parameters = dict(model.named_parameters())
    both = [torch.autograd.grad(torch.stack(t).sum(), parameters.values()) for t in (ours, theirs)]
    for name, one, other in zip(parameters, *both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=name)


def test_rows_are_mapped_once_per_layer_where_they_are_many_and_twice_where_they_are_few(
    small: Callable[..., GraphSmile], task: TaskSpec, make_batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, products = small(width=6, layers=3), []
    original = graphs.linear

    def counted(rows: Tensor, *others: Tensor) -> Tensor:
        products.append(len(rows))
        return original(rows, *others)

    monkeypatch.setattr(graphs, "linear", counted)
    for convolution in model.graphs[0].convolutions:  # type: ignore[union-attr]
        convolution.register_forward_hook(lambda layer, inputs, rows: products.append(len(rows)))
    for lengths, expected in (((3, 3), 9), ((3, 2), 12)):
        products.clear()
        model(make_batch(task, lengths, dtype=torch.float64))
        assert len(products) == expected


@pytest.mark.parametrize("width", [4, 30])
def test_autocast_changes_it_by_rounding_alone(
    small: Callable[..., GraphSmile], task: TaskSpec, make_batch: Callable[..., Batch], width: int
) -> None:
    model, batch = small(width=width).float(), make_batch(task, (4, 1, 5))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model(batch).logits
    torch.testing.assert_close(rounded.float(), model(batch).logits, rtol=0.05, atol=0.05)
    rounded.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.graphs.parameters() if p.grad is not None)


def test_of_several_vectors_the_first_is_read(make_batch: Callable[..., Batch]) -> None:
    task = TaskSpec(("a", "b"), {"text": 6, "audio": 3}, vectors={"text": 2})
    model, batch = GraphSmile(task, width=4, layers=1).eval(), make_batch(task, (3, 2))
    before = model(batch).logits
    batch.features["text"][:, 3:] += 1
    assert torch.equal(model(batch).logits, before)
    batch.features["text"][:, :3] += 1
    assert not torch.equal(model(batch).logits, before)


def test_a_degree_that_is_not_positive_counts_as_none(
    small: Callable[..., GraphSmile], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small().eval()
    with torch.no_grad():
        model.graphs[0].edges.weight.fill_(-1.0)  # type: ignore[union-attr]
    batch = make_batch(task, (4, 2), dtype=torch.float64)
    output = model(batch)
    assert torch.isfinite(output.logits).all()
    torch.testing.assert_close(output.logits, plain(model, batch)[0], rtol=1e-9, atol=1e-9)


def test_a_batch_beyond_the_table_of_positions_is_refused(
    small: Callable[..., GraphSmile], task: TaskSpec, make_batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small(edge_weights="by-position", past=1, future=1)
    # Three utterances are joined by seven edges each way, one by one.
    monkeypatch.setattr(graphs, "_TABLE", 16)
    model(make_batch(task, (3, 1), dtype=torch.float64))
    with pytest.raises(UsageError, match=r"may have 16 edges. Found 18 in 3 conversations"):
        model(make_batch(task, (3, 1, 1), dtype=torch.float64))


def test_what_is_held_unused_changes_nothing(
    small: Callable[..., GraphSmile], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4, 2), dtype=torch.float64)
    torch.manual_seed(0)
    plainly = GraphSmile(task, width=5, layers=2).double().eval()
    torch.manual_seed(0)
    holding = GraphSmile(task, width=5, layers=2, hold_unused=True).double().eval()
    assert torch.equal(plainly(batch).logits, holding(batch).logits)
    assert not any(p.requires_grad for p in holding.unused.parameters())  # type: ignore[union-attr]
    assert all(p.requires_grad for n, p in holding.named_parameters() if not n.startswith("unused"))


def test_layers_of_a_graph_begin_as_copies(task: TaskSpec) -> None:
    for graph in GraphSmile(task, width=5, layers=3).graphs:
        for stack in (graph.convolutions, graph.readers):  # type: ignore[union-attr]
            for one, other in pairwise(stack):  # type: ignore[arg-type]
                assert torch.equal(one.weight, other.weight) and one.weight is not other.weight


def test_weights_of_zero_leave_sentiment_and_shift_out(task: TaskSpec) -> None:
    model = GraphSmile(task, width=4, layers=1, sentiment_weight=0.0, shift_weight=0.0)
    assert [o.name for o in model.objectives()] == ["fused"] and not any(o.needs_sentiments for o in model.objectives())
    assert [o.needs_sentiments for o in GraphSmile(task, width=4, layers=1).objectives()] == [False, True, True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"edge_weights": "all"}, "`edge_weights`"), ({"past": -1}, "`past`"), ({"shift_window": 0}, "`shift_window`")],
)
def test_what_cannot_be_is_refused(task: TaskSpec, arguments: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        GraphSmile(task, width=4, layers=1, **arguments)


def test_one_modality_alone_has_no_graph() -> None:
    with pytest.raises(UnsuitableError, match="needs at least 2"):
        GraphSmile(TaskSpec(("a", "b"), {"text": 3}))


def test_it_keeps_as_much_for_every_pair_as_it_says(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model = GraphSmile(task, width=4, layers=2)
    assert numbers_per_pair(model, lambda n: make_batch(task, (n,)), 60) == pytest.approx(
        model.numbers_per_pair(), rel=0.2
    )
