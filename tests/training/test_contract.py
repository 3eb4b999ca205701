"""What a model, an objective or a balancer of anybody's returns is looked at before a step rests on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from crossspace.balance import FixedWeights
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.inference.infer import infer
from crossspace.models import Model
from crossspace.objectives.base import Part
from crossspace.objectives.classification import CrossEntropy
from crossspace.output import Output
from crossspace.training.checks import check_balancer, objectives_of
from crossspace.training.step import TrainingStep


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5))


@pytest.fixture
def model(task: TaskSpec, example: type[Model]) -> Model:
    torch.manual_seed(0)
    return example(task)


def step_of(model: Model, balancer: Any = None) -> TrainingStep:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    return TrainingStep(model, balancer or FixedWeights(), optimizer)


@pytest.mark.parametrize("answer", [list, lambda x: None, lambda x: {}, lambda x: {1: x["text"]}, lambda x: {"a": [1]}])
def test_encode_returns_tensors_by_name(model: Model, batch: Batch, answer: Callable) -> None:
    encode = model.encode
    model.encode = lambda batch: answer(encode(batch))
    with pytest.raises(UsageError, match="`encode` should return a dictionary of tensors"):
        step_of(model)(batch)


WRONG: dict[str, Callable[[Output], Any]] = {
    "tuple": lambda o: (o.logits,),
    "none": lambda o: None,
    "no logits": lambda o: Output(None),  # type: ignore[arg-type]
    "a class more": lambda o: Output(torch.cat([o.logits, o.logits[:, :1]], 1)),
    "a row less": lambda o: Output(o.logits[:-1]),
    "whole numbers": lambda o: Output(o.logits.long()),
    "unimodal": lambda o: Output(o.logits, {"text": o.logits[:-1]}),
    "no such modality": lambda o: Output(o.logits, {"smell": o.logits}),
    "no mapping": lambda o: Output(o.logits, None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("micro_batches", [1, 2])
def test_decode_returns_a_logit_for_every_utterance_and_label(
    model: Model, batch: Batch, name: str, micro_batches: int
) -> None:
    decode = model.decode
    model.decode = lambda *arguments: WRONG[name](decode(*arguments))
    with pytest.raises(UsageError, match=r"`decode` should return.*Found.*Mend"):
        step_of(model)(*[batch] * micro_batches)
    with pytest.raises(UsageError, match="`decode` should return"):
        infer(model, [batch])


@pytest.mark.parametrize("stated", [[], None, [CrossEntropy], ["fused"], {"a": 1}, [CrossEntropy(), CrossEntropy()]])
def test_objectives_are_some_and_have_names_of_their_own(model: Model, stated: Any) -> None:
    model.objectives = lambda: stated
    with pytest.raises(UsageError, match="objectives"):
        objectives_of(model)


ONE = torch.tensor(1.0)


@pytest.mark.parametrize("micro_batches", [1, 2])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "Found None"),
        ({}, "Found {}"),
        (ONE, "float32 of shape"),
        ({"a": (ONE, ONE)}, "a tuple"),
        ({"a": Part(ONE, 3)}, "a int"),  # type: ignore[arg-type]
        ({"a": Part(ONE.expand(2), ONE)}, "shape .2,."),
        ({"a": Part(ONE, ONE * 0)}, "Found 0 for a total of 1"),
        ({"a": Part(ONE, -ONE)}, "Found -1"),
        ({"a": Part(ONE, ONE / 0 * 0)}, "Found nan"),
        ({"a": Part(ONE, ONE)}, "none that has a gradient"),
    ],
)
def test_parts_are_totals_over_what_was_counted(
    model: Model, batch: Batch, answer: Any, said: str, micro_batches: int
) -> None:
    objective = CrossEntropy()
    objective.parts = lambda *_: answer
    model.objectives = lambda: [objective]
    with pytest.raises(UsageError, match=said):
        step_of(model)(*[batch] * micro_batches)


def test_a_tensor_of_an_earlier_step_is_refused(model: Model, batch: Batch) -> None:
    encode, kept = model.encode, []

    def remembering(batch: Batch) -> dict[str, torch.Tensor]:
        found = encode(batch)
        kept.append(found["text"])
        return {**found, "text": found["text"] + kept[0].sum()}

    model.encode = remembering
    step = step_of(model)
    step(batch)
    with pytest.raises(UsageError, match="the graph of an earlier step"):
        step(batch)


@pytest.mark.parametrize("answer", [None, [1.0], ONE, ONE.expand(9), ONE.expand(1, 1)])
def test_a_balancer_returns_a_factor_per_objective(model: Model, batch: Batch, answer: Any) -> None:
    balancer = FixedWeights()
    balancer.weights = lambda *_: answer
    with pytest.raises(UsageError, match="`weights` should return a tensor of shape"):
        step_of(model, balancer)(batch)


@pytest.mark.parametrize(
    "said", [{"needs": "time"}, {"space": "outer"}, {"every": 0}, {"every": "x"}, {"looks_back": None}]
)
def test_what_a_balancer_says_of_itself_is_what_there_is(said: dict[str, Any]) -> None:
    balancer = FixedWeights()
    check_balancer(balancer)
    vars(balancer).update(said)
    with pytest.raises(UsageError, match=f"`{next(iter(said))}` should be"):
        check_balancer(balancer)
