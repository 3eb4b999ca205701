"""CMN and ICON against recorded numbers: logits, losses, sizes and initial values."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.models.cmn import CMN
from crossspace.models.icon import ICON
from crossspace.models.memory_network import MemoryNetwork
from crossspace.nn.window_gru import ResetBeforeGRU

Kind = type[CMN] | type[ICON]
CELLS = {CMN: ("own", "others", "own_memory", "others_memory"), ICON: ("own", "others", "everyone", "memory")}


@pytest.fixture(params=[CMN, ICON], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


def fill(shape: tuple[int, ...], key: float) -> Tensor:
    return 0.5 * torch.sin(0.7 * torch.arange(math.prod(shape)).double() + 1.3 * key).reshape(shape)


def recorded(kind: Kind, **arguments: int) -> MemoryNetwork:
    """The small model of the recorded numbers; its matrices are laid out input by output."""
    three, four, eight = (torch.arange(n).double() for n in (3, 4, 8))
    model = kind(TaskSpec(("a", "b", "c"), {"all": 5}, 2), width=4, **{"window": 4, **arguments}).double().eval()
    state = {"query.weight": fill((5, 4), 0).T, "query.bias": 0.1 * torch.cos(four)}
    state |= {"classifier.weight": fill((4, 3), 5).T, "classifier.bias": 0.1 * torch.sin(three)}
    for key, name in enumerate(CELLS[kind], start=1):
        inputs = 5 if key < 3 else 4
        state[f"{name}.gates"] = fill((inputs + 4, 8), key).T
        state[f"{name}.candidate"] = fill((inputs + 4, 4), key + 0.5).T
        state[f"{name}.gates_bias"] = 1 + 0.1 * torch.sin(eight + key)
        state[f"{name}.candidate_bias"] = 0.1 * torch.cos(four + key)
    model.load_state_dict({name: state[name] for name in model.state_dict()})
    return model


@pytest.fixture
def dialogue() -> Batch:
    features = torch.sin(0.9 * torch.arange(35).double()).reshape(7, 5)
    speakers = torch.tensor([0, 1, 1, 0, 1, 0, 0])
    present = {"all": torch.ones(7, dtype=torch.bool)}
    return Batch({"all": features}, present, torch.tensor([7]), speakers, torch.arange(7) % 3)


LOGITS = {
    CMN: [
        [0.11222287, 0.15281472, 0.08374666],
        [-0.05975498, 0.00387634, 0.0278958],
        [-0.08344921, 0.02331321, 0.0813223],
        [0.01752845, 0.07991786, 0.06693189],
        [0.01358963, 0.08182429, 0.07378695],
        [-0.08886654, 0.01940899, 0.0807674],
        [-0.01949511, 0.08466869, 0.11122273],
    ],
    ICON: [
        [0.11222287, 0.15281472, 0.08374666],
        [-0.06295527, 0.01825302, 0.05308787],
        [-0.07774156, 0.01846934, 0.06820507],
        [0.02429441, 0.08344592, 0.06556275],
        [0.01507608, 0.07693898, 0.06482752],
        [-0.08209891, 0.02119469, 0.07673133],
        [-0.01226034, 0.07919281, 0.09561158],
    ],
}
SINGLE_HOP = {CMN: [0.01483811, 0.10210722, 0.10356495], ICON: [0.01449045, 0.10655146, 0.11071089]}
WIDER_WINDOW = {CMN: [-0.10012612, 0.00815772, 0.07481609], ICON: [-0.09104225, 0.00452213, 0.06017092]}
LOSS = {CMN: (1.089745665, 1.092247444), ICON: (1.089251529, 1.091753308)}


def test_logits_are_the_recorded_ones(kind: Kind, dialogue: Batch) -> None:
    for found, expected in (
        (recorded(kind)(dialogue).logits, LOGITS[kind]),
        (recorded(kind, hops=1)(dialogue).logits[6], SINGLE_HOP[kind]),
        (recorded(kind, window=6)(dialogue).logits[2], WIDER_WINDOW[kind]),
    ):
        torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=1e-7)


def test_losses_are_the_recorded_ones(kind: Kind, dialogue: Batch) -> None:
    model = recorded(kind)
    output = model(dialogue)
    entropy, penalty = (next(iter(o.parts(output, dialogue).values())) for o in model.objectives())
    assert float(entropy.total.detach() / 7) == pytest.approx(LOSS[kind][0], abs=1e-8)
    assert float(penalty.total.detach() / penalty.count) == pytest.approx(0.002501778534, abs=1e-11)
    assert len(model.penalised()) == 11
    assert float((entropy.total + penalty.total).detach() / 7) == pytest.approx(LOSS[kind][1], abs=1e-8)


@pytest.mark.parametrize(
    ("inputs", "labels", "expected"), [(712, 6, 680_306), (2948, 6, 2_245_506), (1666, 7, 1_348_207)]
)
def test_sizes_are_the_released_ones(kind: Kind, inputs: int, labels: int, expected: int) -> None:
    task = TaskSpec([f"c{i}" for i in range(labels)], {"text": inputs - 10, "audio": 10})
    with without_storage():
        model = kind(task)
        assert sum(p.numel() for p in model.parameters()) == expected
        cells = {name: sum(p.numel() for p in getattr(model, name).parameters()) for name in CELLS[kind]}
    wide, narrow = 3 * 100 * (inputs + 100) + 300, 3 * 100 * 200 + 300
    assert list(cells.values()) == [wide, wide, narrow, narrow]
    assert sum(p.numel() for p in recorded(kind).parameters()) == 495


def test_initial_values_are_those_of_the_released_code() -> None:
    torch.manual_seed(0)
    model = CMN(TaskSpec(("a", "b"), {"text": 200}), width=100)
    for cell in (module for module in model.modules() if isinstance(module, ResetBeforeGRU)):
        assert (cell.gates_bias == 1).all() and (cell.candidate_bias == 0).all()
        for kernel, out in ((cell.gates, 200), (cell.candidate, 100)):
            bound = math.sqrt(6 / (cell.inputs + 100 + out))
            assert 0.98 * bound < float(kernel.detach().abs().max()) <= bound
    assert (model.query.bias == 0).all() and float(model.query.weight.detach().abs().max()) <= math.sqrt(6 / 300)
    assert 0 < float(model.classifier.bias.detach().abs().max()) < 0.05
    assert float(model.classifier.weight.detach().std()) == pytest.approx(0.01, rel=0.2)
