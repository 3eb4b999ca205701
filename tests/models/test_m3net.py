"""M3NET: its sizes, its arithmetic against a plain evaluation, and what belongs to no place in a batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.m3net import M3NET
from crossspace.objectives.classification import CrossEntropy
from tests.models.kept import numbers_per_pair
from tests.models.plain.m3net import plain_logits

IEMOCAP = TaskSpec(tuple("abcdef"), {"text": 4096, "audio": 1582, "visual": 342}, ("F", "M"), vectors={"text": 4})
MELD = TaskSpec(tuple("abcdefg"), {"text": 4096, "audio": 300, "visual": 342}, 9, vectors={"text": 4})
AS_ON_MELD = {"width": 1024, "graph_layers": 3, "project_leading": False}
SMALL = {"width": 8, "graph_width": 6, "dropout": 0.0}


def sizes(task: TaskSpec, **arguments: object) -> dict[str, int]:
    with without_storage():
        model = M3NET(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}


@pytest.mark.parametrize(
    ("task", "arguments", "used", "unused", "speaker_row"),
    [(IEMOCAP, {}, 4_178_498, 2_374_662, 512), (MELD, AS_ON_MELD, 10_683_458, 3_426_311, 1024)],
)
def test_sizes_are_the_released_ones_and_a_row_of_speakers(
    task: TaskSpec, arguments: dict, used: int, unused: int, speaker_row: int
) -> None:
    found = sizes(task, weights="by-position", hold_unused=True, **arguments)
    assert found["hyper_weights"] == 1000 + 5200
    assert found.pop("unused") == unused
    assert sum(found.values()) == used + speaker_row
    shared = sizes(task, **arguments)
    assert shared["hyper_weights"] == 4 + 3 and {**shared, "hyper_weights": 6200} == found


@pytest.fixture
def own_task() -> TaskSpec:
    """The leading modality has two vectors of four features."""
    return TaskSpec(("x", "y", "z"), {"text": 8, "audio": 5, "visual": 3}, 2, vectors={"text": 2})


def build(task: TaskSpec, **arguments: object) -> M3NET:
    """A model whose weights are all drawn, those that start as ones or zeros too."""
    torch.manual_seed(0)
    model = M3NET(task, **{**SMALL, **arguments}).double().train()  # type: ignore[arg-type]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(0.3 * torch.rand_like(parameter))
            if name.startswith("graph"):
                parameter.mul_(3)
    return model


def gradients(model: M3NET, logits: Tensor, batch: Batch) -> list[Tensor]:
    output = type("Output", (), {"logits": logits})
    part = model.objectives()[0].parts(output, batch)  # type: ignore[arg-type]
    total = sum(p.total / p.count for p in part.values())
    return list(torch.autograd.grad(total, [p for p in model.parameters() if p.requires_grad]))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"weights": "by-position", "loss": "released-focal"},
        {"project_leading": False, "width": 4, "leading": "text", "graph_layers": 1, "hyper_layers": 1},
    ],
)
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_it_computes_its_equations(
    arguments: dict, missing: float, own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = build(own_task, **arguments)
    batch = make_batch(own_task, (5, 1, 3, 4), missing=missing, dtype=torch.float64)
    logits, expected = model(batch).logits, plain_logits(model, batch)
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)
    for a, b in zip(gradients(model, logits, batch), gradients(model, expected, batch), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_running_statistics_serve_evaluation(own_task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model, batch = build(own_task), make_batch(own_task, (5, 3), dtype=torch.float64)
    model(batch)
    model.nodes.averaged.norm.commit()
    assert torch.allclose(model.eval()(batch).logits, plain_logits(model, batch), rtol=1e-9, atol=1e-9)


def test_weights_by_position_depend_on_the_company_and_shared_ones_do_not(
    own_task: TaskSpec, make_batch: Callable[..., Batch], take: Callable[..., Batch]
) -> None:
    batch = make_batch(own_task, (4, 3), dtype=torch.float64)
    for weights in ("shared", "by-position"):
        model = build(own_task, weights=weights).eval()
        alone = model(take(batch, [1])).logits
        assert torch.allclose(model(batch).logits[4:], alone) is (weights == "shared")


@pytest.mark.parametrize("lengths", [(60,) * 16, (1,) * 251, (1734,)])
def test_a_batch_beyond_the_released_tables_is_refused(
    lengths: tuple[int, ...], own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = build(own_task, weights="by-position").float(), make_batch(own_task, lengths)
    with pytest.raises(UsageError, match=r"1,000 hyperedges and 5,200 nodes.*batch_size"):
        model(batch)


def test_the_fullest_batch_of_the_released_tables_is_taken(
    own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = build(own_task, weights="by-position").float()
    assert torch.isfinite(model(make_batch(own_task, (1,) * 250)).logits).all()


def test_an_utterance_alone_with_one_modality_receives_nothing(
    own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = build(own_task)
    batch = make_batch(own_task, (1, 1), dtype=torch.float64).keep(["audio"])
    graph = model.encode(batch)["audio"][:, 6:]
    entered = model.entry(model.nodes.projection["audio"](batch.features["audio"]))
    assert torch.allclose(graph, entered)


def test_what_is_held_unused_changes_nothing(own_task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(own_task, (4, 2), dtype=torch.float64)
    with_it = build(own_task, hold_unused=True)
    without = build(own_task)
    without.load_state_dict({k: v for k, v in with_it.state_dict().items() if not k.startswith("unused")})
    assert torch.equal(with_it(batch).logits, without(batch).logits)
    assert all(not p.requires_grad for p in with_it.unused)  # type: ignore[union-attr]


def test_vectors_that_are_not_projected_need_the_width_of_the_nodes(own_task: TaskSpec) -> None:
    with pytest.raises(UsageError, match="width: 4"):
        build(own_task, project_leading=False)


def test_unknown_choices_are_refused(own_task: TaskSpec) -> None:
    for argument in ("weights", "loss"):
        with pytest.raises(UsageError, match=f"`{argument}` should be"):
            build(own_task, **{argument: "other"})
    assert isinstance(build(own_task).objectives()[0], CrossEntropy)


@pytest.mark.parametrize(("missing", "less"), [(0.3, 0), (0.0, 2)])
def test_it_keeps_as_much_for_every_pair_as_it_says(
    missing: float, less: int, own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = build(own_task, graph_layers=2).float()
    per_pair = numbers_per_pair(model, lambda n: make_batch(own_task, (n,), missing), 40)
    # Complete, one normalisation serves all.
    assert per_pair + less == pytest.approx(model.numbers_per_pair(), rel=0.02)
