from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks import reference as procedure
from benchmarks.corpus import conversation_lengths, random_batch, task
from benchmarks.reference import RELEASED, PaddedBatch, ReferenceNetwork, ReferenceStep, reference_losses
from crossspace.balance import ParetoGradientModulator, pareto_weights
from crossspace.models.css import CSS
from crossspace.training.step import TrainingStep


@pytest.fixture
def batch():
    """Conversations of several lengths, in float64."""
    made = random_batch([5, 1, 9, 3], task({"text": 12, "audio": 9, "visual": 5}))
    return replace(made, features={m: x.double() for m, x in made.features.items()})


@pytest.fixture
def model():
    torch.manual_seed(0)
    spec = task({"text": 12, "audio": 9, "visual": 5})
    return CSS(
        spec, **{**RELEASED, "fusion": {**RELEASED["fusion"], "rank": 4}}, width=16, heads=4, dropout=0.0
    ).double()


def our_record(model, batch, rate=0.0):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, fused=True)
    record = TrainingStep(model, ParetoGradientModulator(), optimizer)(batch)
    return dict(zip(record.names, record.values.tolist(), strict=True))


def test_logits_equal(model, batch):
    padded = PaddedBatch.of(batch)
    theirs, ours = ReferenceNetwork(model)(padded), model(batch)
    torch.testing.assert_close(theirs.logits[padded.mask], ours.logits, rtol=0, atol=1e-10)
    for m, logits in ours.unimodal.items():
        torch.testing.assert_close(theirs.unimodal[m][padded.mask], logits, rtol=0, atol=1e-10)


def test_losses_and_gram_matrix_equal(model, batch):
    padded = PaddedBatch.of(batch)
    losses = reference_losses(ReferenceNetwork(model)(padded), padded)
    rows = torch.stack(procedure.task_gradients(losses, model.shared_parameters()))
    gram = rows @ rows.T
    ours = our_record(model, batch)
    names = ["fused", "unimodal", "distillation"]
    assert [x.item() for x in losses] == pytest.approx([ours[f"losses/{n}"] for n in names], abs=1e-10)
    assert gram.diagonal().sqrt().tolist() == pytest.approx([ours[f"norms/{n}"] for n in names], abs=1e-10)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        cosine = gram[i, j] / (gram[i, i] * gram[j, j]).sqrt()
        assert cosine.item() == pytest.approx(ours[f"cosines/{names[i]}/{names[j]}"], abs=1e-10)


def test_inexact_solver_is_near_the_exact_weights(model, batch):
    padded = PaddedBatch.of(batch)
    losses = reference_losses(ReferenceNetwork(model)(padded), padded)
    gradients = procedure.task_gradients(losses, model.shared_parameters())
    rows = torch.stack(gradients)
    assert procedure.solved_weights(gradients).tolist() == pytest.approx(
        pareto_weights(rows @ rows.T).tolist(), abs=1e-2
    )


def test_a_step_with_the_same_weights_gives_the_same_parameters(model, batch, monkeypatch):
    def exactly(gradients):
        rows = torch.stack(list(gradients))
        return pareto_weights(rows @ rows.T).numpy()

    monkeypatch.setattr(procedure, "solved_weights", exactly)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    our_record(model, batch, rate=0.1)
    ours = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(start)
    step = ReferenceStep(model)
    step.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step.train(PaddedBatch.of(batch))
    assert any(not torch.equal(start[name], value) for name, value in ours.items())
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, ours[name], rtol=0, atol=1e-10)


def test_lengths_are_those_of_iemocap():
    lengths = conversation_lengths()
    assert (len(lengths), sum(lengths), sum(lengths[:120])) == (151, 7433, 5810)
    assert (min(lengths), sorted(lengths)[75], max(lengths)) == (8, 47, 110)
