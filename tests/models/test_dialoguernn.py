"""DialogueRNN: its size, its arithmetic against a plain evaluation, and the states that must not move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.dialoguernn import DialogueRNN, cell
from crossspace.models.dialoguernn.cell import DialogueEncoder
from crossspace.nn.linear import Linear
from crossspace.recipes import read_recipe
from tests.models.kept import numbers_per_pair

TASKS = {
    "iemocap": TaskSpec([f"c{i}" for i in range(6)], {"text": 1024, "audio": 1582, "visual": 342}, ("F", "M")),
    "meld": TaskSpec([f"c{i}" for i in range(7)], {"text": 1024, "audio": 300, "visual": 342}, 9),
}
SMALL = {"global_width": 7, "party_width": 6, "emotion_width": 5, "head_width": 4}


@pytest.mark.parametrize(("corpus", "expected"), [("iemocap", 28_816_406), ("meld", 4_275_207)])
def test_sizes_are_the_released_ones(corpus: str, expected: int) -> None:
    arguments = {k: v for k, v in read_recipe(f"dialoguernn-{corpus}")["model"].items() if k != "name"}
    with torch.device("meta"):
        model = DialogueRNN(TASKS[corpus], **arguments)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_sizes_of_the_small_example_are_the_released_ones() -> None:
    task = TaskSpec([f"c{i}" for i in range(6)], {"text": 10})
    widths = {"global_width": 8, "party_width": 8, "emotion_width": 6, "head_width": 5}
    for listener, expected in ((False, 3_776), (True, 5_120)):
        model = DialogueRNN(task, **widths, listener=listener)
        assert sum(p.numel() for p in model.parameters()) == expected


class Plain:
    """One direction written down for one conversation, every party by itself, from the description of the method.

    Weights come from the encoder under test; the cells are PyTorch's.
    """

    def __init__(self, encoder: DialogueEncoder) -> None:
        self.encoder, self.slots = encoder, encoder.slots
        by_reader = encoder.utterance.weight.split(encoder.sections)
        self.g = self.cell(by_reader[0], encoder.global_party, encoder.global_state)
        self.p = self.cell(by_reader[1], encoder.party_context, encoder.party_state)
        self.l = self.cell(by_reader[2], encoder.listener_party, encoder.listener_state)
        self.e = self.cell(by_reader[0][:, :0], encoder.emotion_party, encoder.emotion_state)
        self.query = by_reader[3]

    @staticmethod
    def cell(utterance: Tensor, read: torch.nn.Linear | None, kept: torch.nn.Linear | None) -> torch.nn.GRUCell | None:
        if read is None or kept is None:
            return None
        utterance = utterance if utterance.shape[1] else utterance.new_zeros(len(read.weight), 0)
        weight = torch.cat([utterance, read.weight], 1)
        cell = torch.nn.GRUCell(weight.shape[1], kept.in_features).double()
        cell.load_state_dict(
            {"weight_ih": weight, "bias_ih": read.bias, "weight_hh": kept.weight, "bias_hh": kept.bias}
        )
        return cell

    def recall(self, history: list[Tensor], u: Tensor) -> Tensor:
        if not history:
            return torch.zeros(self.g.hidden_size, dtype=u.dtype)
        asked = self.query @ u if self.encoder.score is None else self.encoder.score
        scores = torch.stack([g @ asked for g in history])
        return sum(a * g for a, g in zip(torch.softmax(scores, 0), history, strict=True))

    def __call__(self, utterances: Tensor, speakers: Tensor) -> Tensor:
        zeros = lambda n: utterances.new_zeros(n)  # noqa: E731
        history, q = [], [zeros(self.p.hidden_size) for _ in range(self.slots)]
        e, found = zeros(self.e.hidden_size), []
        for u, s in zip(utterances, speakers.tolist(), strict=True):
            g = self.g(torch.cat([u, q[s]]), history[-1] if history else zeros(self.g.hidden_size))
            c = self.recall(history, u)
            spoken = [self.p(torch.cat([u, c]), q[j]) for j in range(self.slots)]
            listening = q if self.l is None else [self.l(torch.cat([u, spoken[s]]), q[j]) for j in range(self.slots)]
            q = [spoken[j] if j == s else listening[j] for j in range(self.slots)]
            history.append(g)
            e = self.e(q[s], e)
            found.append(e)
        return torch.stack(found)


def plain_logits(model: DialogueRNN, utterances: Tensor, speakers: Tensor) -> Tensor:
    forwards = Plain(model.forwards)(utterances, speakers)
    backwards = Plain(model.backwards)(utterances.flip(0), speakers.flip(0)).flip(0)
    emotions = torch.cat([forwards, backwards], 1)
    if model.emotion_query is not None:
        scores = torch.stack([emotions @ model.emotion_query(e) for e in emotions])
        emotions = torch.softmax(scores, 1) @ emotions
    return model.classifier(model.hidden(emotions).clamp(min=0))


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., DialogueRNN]:
    def build(**arguments: object) -> DialogueRNN:
        torch.manual_seed(0)
        model = DialogueRNN(task, **{**SMALL, **arguments}).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.5)
        return model

    return build


VARIANTS: list[dict[str, object]] = [
    {},
    {"listener": True},
    {"context_attention": "simple"},
    {"emotion_attention": False, "listener": True},
]


@pytest.mark.parametrize("arguments", VARIANTS, ids=str)
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_outputs_are_those_of_a_plain_evaluation(
    small: Callable[..., DialogueRNN],
    task: TaskSpec,
    make_batch: Callable[..., Batch],
    arguments: dict,
    missing: float,
) -> None:
    model, lengths = small(**arguments), (3, 6, 0, 1, 6)
    batch = make_batch(task, lengths, missing=missing, dtype=torch.float64)
    utterances = torch.cat([batch.features[m] for m in task.modalities], 1)
    found = model(batch).logits.split(lengths)
    for logits, u, s in zip(found, utterances.split(lengths), batch.speakers.split(lengths), strict=True):
        if len(u):
            torch.testing.assert_close(logits, plain_logits(model, u, s), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("arguments", VARIANTS, ids=str)
def test_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., DialogueRNN], task: TaskSpec, make_batch: Callable[..., Batch], arguments: dict
) -> None:
    model, lengths = small(**arguments), (4, 2)
    batch = make_batch(task, lengths, dtype=torch.float64)
    leaves = {m: x.clone().requires_grad_() for m, x in batch.features.items()}
    weights = torch.randn(6, 3, dtype=torch.float64)
    (model(replace(batch, features=leaves)).logits * weights).sum().backward()
    utterances = torch.cat([x.detach() for x in leaves.values()], 1).requires_grad_()
    parts = zip(utterances.split(lengths), batch.speakers.split(lengths), strict=True)
    (torch.cat([plain_logits(model, u, s) for u, s in parts]) * weights).sum().backward()
    found = torch.cat([x.grad for x in leaves.values()], 1)
    torch.testing.assert_close(found, utterances.grad, rtol=1e-9, atol=1e-9)


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Tensor]]:
    """Keeps the rows that given layers of a recurrence are asked to map, step by step."""

    def record(*layers: torch.nn.Module) -> list[Tensor]:
        rows, make = [], cell._each_step

        def recording(layer: Linear) -> Callable[[Tensor], Tensor]:
            step = make(layer)
            return (lambda x: rows.append(x) or step(x)) if any(layer is one for one in layers) else step

        monkeypatch.setattr(cell, "_each_step", recording)
        return rows

    return record


def test_what_the_next_step_receives_is_the_state_after_dropout(
    task: TaskSpec, make_batch: Callable[..., Batch], mapped: Callable[..., list[Tensor]]
) -> None:
    torch.manual_seed(0)
    encoder = DialogueEncoder(2, 400, 400, 400, 2, dropout=0.5, listener=False, context="general").double()
    layout = make_batch(task, (2,)).layout
    received = mapped(encoder.global_state, encoder.emotion_state)
    encoder(torch.randn(2, 2, dtype=torch.float64), torch.tensor([0, 1]), layout.forward_walk)
    for first, second in (received[:2], received[2:]):
        assert (first == 0).all()
        assert 0.4 < float((second == 0).double().mean()) < 0.6


def test_with_listeners_off_the_others_keep_their_states_bit_by_bit(
    small: Callable[..., DialogueRNN], mapped: Callable[..., list[Tensor]]
) -> None:
    encoder = small().forwards
    seen = mapped(encoder.party_state)
    speakers = torch.tensor([0, 1, 1, 0])
    said = encoder.utterance(torch.randn(4, 15, dtype=torch.float64))
    speaking = torch.nn.functional.one_hot(speakers, encoder.slots).bool()
    states = encoder._parties(said, speaking, (1, 1, 1, 1), encoder._start(said, 1))
    assert torch.equal(seen[3][0], states[0])
    assert torch.equal(seen[2][0], states[1])


def test_an_utterance_without_features_is_still_a_turn_of_its_speaker(
    small: Callable[..., DialogueRNN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4,), dtype=torch.float64)
    present = {m: torch.tensor([True, False, True, True]) for m in task.modalities}
    batch = replace(batch, present=present, complete=None, speakers=torch.tensor([0, 1, 1, 0]))
    other = replace(batch, speakers=torch.tensor([0, 0, 1, 0]))
    assert not torch.equal(small()(batch).logits[2], small()(other).logits[2])


def test_emotion_representations_lose_more_than_the_classifier(small: Callable[..., DialogueRNN]) -> None:
    model = small(dropout=0.2, recurrent_dropout=0.3)
    assert model.emotion_dropout.p == pytest.approx(0.35)
    assert (model.dropout.p, model.forwards.dropout.p) == (0.2, 0.3)


@pytest.mark.parametrize(
    ("fault", "message"), [({"context_attention": "dot"}, "'dot'"), ({"dropout": 0.9}, "0.9"), ({"dropout": -1}, "-1")]
)
def test_impossible_arguments_are_refused(task: TaskSpec, fault: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        DialogueRNN(task, **{**SMALL, **fault})


@pytest.mark.parametrize("causal", [False, True])
def test_it_keeps_as_much_for_every_pair_as_it_says(
    task: TaskSpec, make_batch: Callable[..., Batch], causal: bool
) -> None:
    sizes = {"global_width": 4, "party_width": 5, "emotion_width": 4, "head_width": 3}
    model = DialogueRNN(task, **sizes, causal=causal, emotion_attention=False)
    kept = numbers_per_pair(model, lambda n: make_batch(task, (n,)), 30)
    assert kept == pytest.approx(model.numbers_per_pair(), rel=0.1)
