"""HAUCL: its sizes, its arithmetic against a plain evaluation with the same random numbers, and its pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.haucl import HAUCL
from crossspace.models.haucl.noise import STEPS, evenly
from crossspace.models.haucl.structure import Structure
from crossspace.output import Output
from tests.models.plain.haucl import Plain, Recorded

IEMOCAP = TaskSpec(tuple("abcdef"), {"text": 4096, "audio": 1582, "visual": 342}, ("F", "M"), vectors={"text": 4})
MELD = TaskSpec(tuple("abcdefg"), {"text": 4096, "audio": 300, "visual": 342}, 9, vectors={"text": 4})
HEAD = 2 * 512 * 513


def sizes(task: TaskSpec, **arguments: object) -> dict[str, int]:
    with without_storage():
        model = HAUCL(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}


@pytest.mark.parametrize(("task", "used", "total"), [(MELD, 8_226_961, 9_027_353), (IEMOCAP, 8_842_728, 9_643_120)])
def test_sizes_are_the_released_ones_and_a_row_of_speakers(task: TaskSpec, used: int, total: int) -> None:
    found = sizes(task, release="z", hold_unused=True)
    assert sum(found.values()) == total + 512
    assert sum(found.values()) - found.pop("unused") == used + 512
    assert found["convolution"] == 1000 + 512 and found["projection"] == HEAD
    assert sizes(task) == {**found, "convolution": 4 + 512}
    assert sum(sizes(task, release="y").values()) == used + 512 - HEAD


@pytest.fixture
def own_task() -> TaskSpec:
    """The leading modality has two vectors of four features."""
    return TaskSpec(("x", "y", "z"), {"text": 8, "audio": 5, "visual": 3}, 2, vectors={"text": 2})


def build(task: TaskSpec, **arguments: object) -> HAUCL:
    """A model whose weights are all drawn, those that start as ones or zeros too, and which records its noise."""
    torch.manual_seed(0)
    small = {"width": 8, "head": 2, "dropout": 0.0, "recurrent_dropout": 0.0}
    model = HAUCL(task, **{**small, **arguments}).double().train()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.rand_like(parameter) - 0.1)
    model.generator.noise = Recorded()
    return model


def means(model: HAUCL, output: Output, batch: Batch) -> dict[str, Tensor]:
    return {k: p.total / p.count for o in model.objectives() for k, p in o.parts(output, batch).items()}


def check(model: HAUCL, batch: Batch) -> None:
    """Logits, losses and gradients of the sum of all are those of the plain evaluation."""
    output = model(batch)
    noise = model.generator.noise
    plain = Plain(model, batch, noise.drawn if model.training else None)  # type: ignore[attr-defined]
    torch.testing.assert_close(output.logits, plain.logits, rtol=1e-9, atol=1e-9)
    losses = means(model, output, batch)
    expected = {"fused": losses["fused"], **plain.losses}
    expected["fused"] = means(model, replace(output, logits=plain.logits), batch)["fused"]
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-9, atol=1e-9, msg=name)
    parameters = [p for p in model.parameters() if p.requires_grad]
    both = [torch.autograd.grad(torch.stack(list(x.values())).sum(), parameters) for x in (losses, expected)]
    for a, b in zip(*both, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("training", [True, False])
def test_it_computes_its_equations(
    missing: float, training: bool, own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    check(build(own_task).train(training), make_batch(own_task, (4, 1, 3, 3), missing=missing, dtype=torch.float64))


@pytest.mark.parametrize("release", ["z", "y"])
def test_it_computes_what_either_release_computes(
    release: str, own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    check(build(own_task, release=release), make_batch(own_task, (4, 1, 3), dtype=torch.float64))


def structure_of(batch: Batch) -> Structure:
    return Structure(batch.layout, torch.stack(list(batch.present.values()), dim=1))


def test_absent_pairs_are_those_of_nodes_and_hyperedges_of_one_conversation_that_do_not_hold_them(
    own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(own_task, (4, 1, 0, 3), missing=0.3)
    structure, rows = structure_of(batch), 8
    of_modality, of_utterance = structure.own_edges()
    owner = torch.cat([torch.arange(4).repeat_interleave(3), batch.layout.conversations])
    there, chosen = structure.edges_there(), torch.arange(60.0) / 60
    edges, possible = structure.outside(chosen.expand(rows, 3, 60))
    for i in range(rows):
        for m in range(3):
            mine = {int(of_modality[i, m]), int(of_utterance[i, m])}
            candidates = {e for e in range(len(owner)) if there[e] and owner[e] == batch.layout.conversations[i]} - mine
            assert bool(possible[i, m]) is bool(structure.present[i, m] and candidates)
            if possible[i, m]:
                assert set(edges[i, m].tolist()) == candidates  # evenly spread numbers reach every one


@pytest.mark.parametrize("numbers", [torch.tensor([0.0]), torch.tensor([1.0 - 2**-24]), torch.tensor([1.0])])
def test_the_ends_of_the_uniform_numbers_stay_inside(
    numbers: Tensor, own_task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(own_task, (70, 2))
    structure = structure_of(batch)
    edges, possible = structure.outside(numbers.expand(72, 3, 1))
    owner = torch.cat([torch.arange(2).repeat_interleave(3), batch.layout.conversations])
    assert possible.all() and (owner[edges[..., 0]] == batch.layout.conversations[:, None]).all()
    assert all((edges[..., 0] != own).all() for own in structure.own_edges())


def test_pairs_of_evaluation_are_spread_evenly() -> None:
    for step in STEPS:
        counts = torch.histc(evenly(torch.arange(1000.0), step), bins=10, min=0, max=1)
        assert (counts - 100).abs().max() <= 3


def test_training_draws_anew_and_evaluation_draws_nothing(own_task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model, batch = build(own_task), make_batch(own_task, (4, 3), dtype=torch.float64)
    assert not torch.equal(model(batch).logits, model(batch).logits)
    before = torch.get_rng_state()
    output = model.eval()(batch)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(output.extras["first_view"], output.extras["second_view"])


@pytest.mark.parametrize(("weight", "name"), [("contrastive", "view-contrast"), ("generative", "generation")])
def test_an_objective_of_weight_zero_is_left_out(weight: str, name: str, own_task: TaskSpec) -> None:
    assert name in {o.name for o in build(own_task).objectives()}
    model = build(own_task, **{weight: 0.0})
    assert name not in {o.name for o in model.objectives()}


def test_weights_multiply_inside_their_objectives(own_task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(own_task, (4, 3), missing=0.2, dtype=torch.float64)
    one, other = (build(own_task, contrastive=c, generative=g).eval() for c, g in ((1.0, 1.0), (0.25, 3.0)))
    ones, others = (means(m, m(batch), batch) for m in (one, other))
    for name, value in ones.items():
        factor = {"v": 0.25, "g": 3.0, "f": 1.0}[name[0]]
        assert float(others[name].detach()) == pytest.approx(factor * float(value.detach()), rel=1e-12)


def test_generator_losses_of_conversations_add_up_to_those_of_the_batch(
    own_task: TaskSpec, make_batch: Callable[..., Batch], take: Callable[..., Batch]
) -> None:
    model = build(own_task).eval()
    batch = make_batch(own_task, (4, 1, 3), missing=0.3, unlabelled=0.3, seed=4, dtype=torch.float64)
    objective = model.objectives()[2]
    whole = objective.parts(model(batch), batch)
    each = [objective.parts(model(one), one) for one in (take(batch, [i]) for i in range(3))]
    for name, part in whole.items():
        torch.testing.assert_close(part.total, sum(p[name].total for p in each), rtol=1e-10, atol=1e-12)
        assert float(part.count) == sum(float(p[name].count) for p in each)


def test_released_divergences_are_refused_where_they_would_not_add_up(own_task: TaskSpec) -> None:
    assert build(own_task).objectives()[2].separable
    released = build(own_task, release="z").objectives()[2]
    assert not released.separable and not released.gathers


def test_unknown_choices_are_refused(own_task: TaskSpec) -> None:
    for argument in ("release", "loss"):
        with pytest.raises(UsageError, match=f"`{argument}` should be"):
            build(own_task, **{argument: "other"})
