"""Logistic regression: what it computes, and that training finds what the closed problem has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression as Reference

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.logistic import LogisticRegression


def test_logits_are_a_linear_map_of_the_standardised_features(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model, batch = LogisticRegression(task).eval(), make_batch(task, (30, 20))
    model.prepare([batch])
    columns = [(x - x.mean(0)) / x.std(0, correction=0) for x in batch.features.values()]
    expected = torch.cat([*columns, torch.zeros(50, 3)], dim=1) @ model.classifier.weight.T + model.classifier.bias
    torch.testing.assert_close(model(batch).logits, expected)


def test_a_missing_modality_is_its_mean_and_a_sign_that_it_is_missing(
    task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = LogisticRegression(task).eval(), make_batch(task, (30, 20))
    model.prepare([batch])
    mean = replace(batch, features={**batch.features, "text": batch.features["text"].mean(0).expand(50, -1)})
    sign = model.classifier.weight[:, -3]
    torch.testing.assert_close(model(batch.keep(["audio", "visual"])).logits, model(mean).logits + sign)


def test_minimising_its_objective_finds_the_weights_of_scikit_learn(make_batch: Callable[..., Batch]) -> None:
    task = TaskSpec(("a", "b", "c"), {"text": 4})
    batch = make_batch(task, (60, 60))
    model, penalty = LogisticRegression(task), 0.02
    model.prepare([batch])
    weight, bias = model.classifier.weight, model.classifier.bias
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        part = model.objectives()[0].parts(model(batch), batch)["fused"]
        loss = part.total / part.count + penalty / 2 * weight[:, :4].square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    rows = np.asarray(batch.features["text"])
    rows = (rows - rows.mean(0)) / rows.std(0)
    reference = Reference(C=1 / (penalty * len(rows)), tol=1e-8).fit(rows, np.asarray(batch.labels))
    np.testing.assert_allclose(weight[:, :4].detach().numpy(), reference.coef_, atol=1e-3)
