"""Recorded steps: they are the ordinary ones, they ask Python for nothing, and what cannot be recorded is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from crossspace.balance import (
    BALANCERS,
    Balancer,
    FixedWeights,
    GeometricMean,
    ParetoGradientModulator,
    UncertaintyWeights,
)
from crossspace.batching.batch import Batch
from crossspace.batching.buckets import Bucket, Filled
from crossspace.configuration import make_configuration
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import UnsuitableError, UsageError
from crossspace.models import MODELS, Model
from crossspace.models.css import CSS
from crossspace.models.sdt import SDT
from crossspace.objectives.modulation import DominantModality
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import load_checkpoint
from crossspace.training.graphs import GraphedStep, check_graphs
from crossspace.training.options import TrainingOptions
from crossspace.training.rates import Rates
from crossspace.training.recorders import recorder_on
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord
from crossspace.training.trainer import Trainer
from tests.models.small import small
from tests.training.recorded import Modulated, Run, check_same
from tests.training.tape import LOOKS, Tape, TapeRecorder, addresses, is_view

Make = Callable[..., Run]


@pytest.fixture
def make(task: TaskSpec, make_batch: Callable[..., Batch]) -> Make:
    return partial(Run, task, make_batch)


def test_a_tape_repeats_what_was_done_and_not_what_python_would_do_now() -> None:
    state, given, seen = torch.zeros(3), torch.ones(3), []

    def step() -> StepRecord:
        seen.append(len(seen))
        made = given.exp() * (len(seen) + 1)  # saved, shared and written over, as in a training step
        state.add_(made.view(3, 1).squeeze(1))
        return StepRecord(("sum",), state.sum().reshape(1), made.new_zeros(()))

    replay = TapeRecorder().record(step)
    assert not state.any()
    given.fill_(0.0)
    for number in (1, 2):
        assert replay().values.tolist() == [6.0 * number] and state.tolist() == [2.0 * number] * 3
    assert seen == [0]


@pytest.mark.parametrize("look", [torch.Tensor.item, torch.Tensor.nonzero, lambda x: x[x > 0], bool])
def test_a_tape_refuses_to_look(look: Callable[[torch.Tensor], Any]) -> None:
    with pytest.raises(AssertionError, match="cannot be recorded"), Tape():
        look(torch.ones(()))


BALANCING = [
    FixedWeights(),
    FixedWeights([0.5, 2.0, 1.0]),
    GeometricMean(),
    ParetoGradientModulator(),
    ParetoGradientModulator("representation"),
    ParetoGradientModulator(apply="unit"),
    ParetoGradientModulator(every=2),
]


@pytest.mark.parametrize(("kind", "balancer"), [*((CSS, one) for one in BALANCING), (SDT, BALANCING[3])])
def test_recorded_steps_are_the_ordinary_ones(kind: type[Model], balancer: Balancer, make: Make) -> None:
    ours, theirs = (make(graphs, balancer, kind=kind, clip=0.5) for graphs in (True, False))
    check_same(ours, theirs)
    assert ours.recorder.played >= 4


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": "adamw", "amsgrad": True},
        {"schedule": "cosine", "warmup": 0.2},
        {"schedule": "one-cycle"},
    ],
)
def test_a_recorded_step_follows_the_schedule(training: dict[str, Any], make: Make) -> None:
    ours, theirs = (make(graphs, ParetoGradientModulator(), training=training) for graphs in (True, False))
    # Rates of a schedule are rounded to float32 where they are tensors.
    for a, b in zip(ours.take(), theirs.take(), strict=True):
        torch.testing.assert_close(a.values, b.values, rtol=1e-5, atol=1e-5)
    assert ours.recorder.played == 5


def test_other_settings_of_the_optimizer_are_recorded_anew(make: Make) -> None:
    ours, theirs = (make(graphs, FixedWeights()) for graphs in (True, False))
    for run in (ours, theirs):
        run.take([(4, 4)] * 9, 3)
        for group in run.rates.optimizer.param_groups:
            group["weight_decay"] = 0.5
        run.take([(4, 4)] * 9, 6)
    torch.testing.assert_close(ours.model.state_dict(), theirs.model.state_dict(), rtol=1e-9, atol=1e-9)
    assert len(ours.recorder.tapes) == 2


@pytest.mark.parametrize("clip_per", ["model", "tensor"])
def test_class_weights_and_clipping_are_recorded(clip_per: str, make: Make) -> None:
    options = {"clip": 0.1, "clip_per": clip_per, "class_weights": torch.tensor([0.5, 1.0, 2.0])}
    check_same(*(make(graphs, ParetoGradientModulator(), **options) for graphs in (True, False)))


def test_modulation_is_recorded_from_the_epoch_in_which_it_starts(make: Make) -> None:
    ours, theirs = (make(graphs, FixedWeights(), kind=Modulated) for graphs in (True, False))
    check_same(ours, theirs, shapes=[(4, 4)] * 9)
    assert len(ours.recorder.tapes) == 2


@pytest.mark.parametrize("autocast", [nullcontext, partial(torch.autocast, "cpu", torch.bfloat16)])
def test_a_repeated_step_is_bit_for_bit_one_that_is_taken_in_the_ordinary_way(autocast: Any, make: Make) -> None:
    options = {"dtype": torch.float32, "dropout": 0.3, "autocast": autocast}
    ours, theirs = (make(True, ParetoGradientModulator(), **options) for _ in range(2))
    theirs.step.recorder.record = lambda step: step  # filled up too, and taken by Python
    check_same(ours, theirs, exact=True)
    assert ours.recorder.played == 5


def test_float32_is_as_close_as_float32_can_be(make: Make) -> None:
    ours, theirs = (make(graphs, ParetoGradientModulator(), torch.float32) for graphs in (True, False))
    for a, b in zip(ours.take(), theirs.take(), strict=True):
        torch.testing.assert_close(a.values, b.values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("before", [True, False], ids=["recorded", "ordinary"])
@pytest.mark.parametrize("after", [True, False], ids=["recorded", "ordinary"])
@pytest.mark.parametrize("balancer", [ParetoGradientModulator(every=2), ParetoGradientModulator("representation")])
def test_a_training_goes_on_either_way(balancer: Balancer, before: bool, after: bool, make: Make) -> None:
    straight, first, second = make(after, balancer), make(before, balancer), make(after, balancer)
    first.take(until=4)
    second.go_on(first.model, first.state())
    # It goes on in the same way whatever kind of step saved its state.
    exact = before == after
    straight.take(until=4)
    check_same(second, straight, exact)


def test_a_recorded_training_that_goes_back_forgets_its_recordings(make: Make) -> None:
    ours, theirs = make(True, FixedWeights()), make(True, FixedWeights())
    ours.take(until=3)
    model, state = copy.deepcopy(ours.model), ours.state()
    ours.take()
    ours.go_on(model, state)
    theirs.go_on(model, state)
    assert ours.step.recorded == 0
    check_same(ours, theirs, exact=True)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_repeated_step_that_is_not_finite_leaves_everything_as_it_was(bad: float, make: Make) -> None:
    run = make(True, ParetoGradientModulator())
    run.take([(4, 4)] * 9, 3)
    assert run.recorder.played == 2
    moments = [x for values in run.rates.optimizer.state_dict()["state"].values() for x in values.values()]
    before = [x.clone() for x in (*run.model.state_dict().values(), *moments)]
    batch = run.batch(lengths=(4, 4), seed=3)
    row = int((batch.present["text"] & (batch.labels >= 0)).nonzero()[0])
    batch.features["text"][row, 0] = bad
    assert float(run.step(batch).broken) == 1 and run.recorder.played == 3
    after = [*run.model.state_dict().values(), *moments]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert float(run.take([(4, 4)] * 9, 4)[0].broken) == 0


def test_records_of_earlier_steps_stay_as_they_were(make: Make) -> None:
    run = make(True, ParetoGradientModulator())
    records = run.take([(4, 4)] * 6)
    losses = [record.values[0].item() for record in records]
    assert len(set(losses)) == 6


@pytest.mark.parametrize("balancer", [FixedWeights([1.0, 2.0, 3.0]), ParetoGradientModulator(every=2)])
@pytest.mark.parametrize("kind", [CSS, SDT])
def test_a_recording_reads_no_memory_that_nobody_keeps(kind: type[Model], balancer: Balancer, make: Make) -> None:
    weights = torch.ones(3)
    run = make(True, balancer, torch.float32, kind=kind, dropout=0.2, clip=1.0, class_weights=weights)
    run.take([(4, 4)] * 9, 4)
    states = run.rates.optimizer.state_dict()["state"]
    rates = [group["lr"] for group in run.rates.optimizer.param_groups]
    kept = list(run.step._kept.values())
    own = [weights, *rates, run.step._weights, *run.model.parameters(), *run.model.buffers()]
    known = addresses([own, states, vars(balancer), vars(run.step.step.balancer)])
    known |= addresses([vars(one.filled) for one in kept] + [one.alive for one in kept])
    assert run.recorder.tapes and all(tape.outside <= known for tape in run.recorder.tapes)


def test_no_more_recordings_are_kept_than_asked_for(make: Make) -> None:
    shapes = [(4, 4), (40,), (4, 4), (40,), (4, 4), (40,)]
    ours, theirs = make(True, FixedWeights(), most=1), make(True, FixedWeights())
    check_same(ours, theirs, exact=True, shapes=shapes)
    assert ours.step.recorded == 1 and theirs.step.recorded == 2


def test_a_batch_with_a_very_long_conversation_is_taken_as_it_is(make: Make) -> None:
    shapes = [(4, 4), (600,), (4, 4), (600,), (4, 4)]
    ours, theirs = (make(graphs, ParetoGradientModulator(every=2)) for graphs in (True, False))
    check_same(ours, theirs, shapes=shapes)
    assert {kind[0].longest for kind in ours.step._kept} == {32}


@pytest.mark.parametrize("balancer", BALANCING[:6])
@pytest.mark.parametrize("autocast", [nullcontext, partial(torch.autocast, "cpu", torch.bfloat16)])
def test_two_batches_of_a_bucket_are_the_same_operations(balancer: Balancer, autocast: Any, make: Make) -> None:
    run = make(True, balancer, torch.float32, dropout=0.3, autocast=autocast)
    run.take([(4, 4)] * 9, 2)
    tapes = []
    for shape in ((4, 4), (9, 1, 3)):
        batch = run.batch(lengths=shape)
        filled = Filled(Bucket.of(shape), batch)
        filled.take(batch)
        with Tape() as tape:
            run.step.step(filled.batch())
        tapes.append(tape)
    one, two = (list(map(_described, tape.operations)) for tape in tapes)
    assert one == two and len(one) > 500


def _described(operation: tuple[Any, ...]) -> tuple[Any, ...]:
    """An operation, the shapes and types of its tensors, and everything else it is given."""
    func, *given = operation
    return (
        func,
        *((x.shape, x.stride(), x.dtype) if isinstance(x, torch.Tensor) else repr(x) for x in tree_leaves(given)),
    )


class OnDevice(TorchDispatchMode):
    """Refuses what waits for a device, and what copies between it and the host. The device has no memory at all."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, torch.Tensor)]
        assert {x.device.type for x in tensors} <= {"meta"}, f"{func} leaves the device"
        assert func._schema.name not in LOOKS, f"{func} waits for the device"
        self.count += not is_view(func)
        return result


class NoOptimizer:
    """The fused Adam runs on no device without memory."""

    def step(self) -> None:
        """Nothing."""


@pytest.fixture
def one_norm_each(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PyTorch takes norms of several tensors at once on devices that have memory alone."""
    total = torch.nn.utils.get_total_norm
    monkeypatch.setattr(torch.nn.utils, "get_total_norm", lambda gradients, foreach: total(gradients, foreach=False))
    return


@pytest.mark.parametrize("balancer", BALANCING[:6])
@pytest.mark.parametrize(("kind", "given"), [("css", {}), ("css", {"context": False}), ("sdt", {"causal": True})])
def test_off_the_processor_a_step_neither_waits_nor_copies_from_the_host(
    kind: str,
    given: dict[str, Any],
    balancer: Balancer,
    one_norm_each: None,
    task: TaskSpec,
    make_batch: Callable[..., Batch],
) -> None:
    # No branch for the processor is taken here, such as its own dropout, and nothing has a value to look at.
    model = small(MODELS[kind], task, standardise=True, **given).train().to("meta")
    balancer, weights = copy.deepcopy(balancer), torch.ones(3, device="meta")
    step = TrainingStep(model, balancer, NoOptimizer(), weights, clip=1.0)  # type: ignore[arg-type]
    filled = Filled(Bucket.of([5, 3]), make_batch(task, (5, 3)).to("meta"))
    step.checked = True
    step(filled.batch())  # what is set up once may wait, and is done before a step is recorded
    with OnDevice() as seen:
        step(filled.batch())
    assert seen.count > 500


@pytest.mark.parametrize("name", sorted(BALANCERS))
def test_a_balancer_that_says_so_is_recorded_and_others_are_refused(name: str, make: Make) -> None:
    balancer = BALANCERS[name]()
    if balancer.on_device(3):
        check_same(*(make(graphs, balancer) for graphs in (True, False)))
        return
    with pytest.raises(UnsuitableError, match=f"balancer '{name}' should weigh 3 objectives on the device"):
        make(True, balancer)


def test_what_cannot_be_recorded_is_refused_by_name(task: TaskSpec, make: Make) -> None:
    css, pgm = CSS(task, width=8, heads=2), ParetoGradientModulator()
    check_graphs(css, pgm)
    with pytest.raises(UsageError, match=r"one part. Found 2. Use `accumulate: 1`, or `--training.graphs false`"):
        check_graphs(css, pgm, accumulate=2)
    with pytest.raises(UsageError, match="a single process"):
        check_graphs(css, pgm, processes=2)
    with pytest.raises(UnsuitableError, match="model 'bc-lstm', with its arguments, should not depend on the lengths"):
        check_graphs(small(MODELS["bc-lstm"], task), pgm)
    with pytest.raises(UnsuitableError, match=r"corruption\.swap"):
        check_graphs(CSS(task, width=8, heads=2, corruption={"swap": {"text": 0.5}}), pgm)
    with pytest.raises(UnsuitableError, match="'uncertainty'"):
        check_graphs(css, UncertaintyWeights())
    assert not pgm.on_device(4)
    noisy = Modulated(task, width=8, heads=2)
    noisy.modulation = lambda: DominantModality({}, 0.5, noise=True)  # type: ignore[method-assign]
    with pytest.raises(UnsuitableError, match="noise"):
        check_graphs(noisy, FixedWeights())
    run = make(True, pgm)
    with pytest.raises(UsageError, match=r"one part\. Found 2"):
        run.step(*(run.batch(lengths=(2, 2)) for _ in range(2)))


@pytest.mark.parametrize("asks", ["layout", "batch"])
def test_a_model_that_asks_for_lengths_all_the_same_is_refused_before_it_moves(
    asks: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, encode = make(True, FixedWeights()), CSS.encode

    def asking(self: CSS, batch: Batch) -> dict[str, torch.Tensor]:
        _ = batch.layout.lengths if asks == "layout" else batch.lengths.tolist()
        return encode(self, batch)

    monkeypatch.setattr(CSS, "encode", asking)
    before = copy.deepcopy(run.model.state_dict())
    with pytest.raises(UnsuitableError, match="model 'css', with its arguments"):
        run.take(until=1)
    torch.testing.assert_close(run.model.state_dict(), before, rtol=0, atol=0)


def test_a_step_needs_an_optimizer_that_can_be_recorded(task: TaskSpec) -> None:
    model = CSS(task, width=8, heads=2)
    step = TrainingStep(model, FixedWeights(), Rates(model, TrainingOptions(), 1).optimizer)
    with pytest.raises(ValueError, match="capturable"):
        GraphedStep(step, TapeRecorder())


def test_graphs_are_refused_off_cuda() -> None:
    with pytest.raises(UsageError, match=r"`training\.graphs` should be false on the device 'cpu'"):
        recorder_on(torch.device("cpu"))


OPTIONS = TrainingOptions(epochs=3, batch_size=3, learning_rate=2**-7, schedule="cosine", graphs=True)


@pytest.fixture
def trainer(
    tiny_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, TrainingOptions], Trainer]:
    """Trains with tapes in place of CUDA graphs."""
    monkeypatch.setattr("crossspace.training.trainer.recorder_on", lambda device: TapeRecorder())

    def build(name: str, options: TrainingOptions = OPTIONS) -> Trainer:
        seed_everything(0)
        model = CSS(tiny_corpus.spec, width=8, heads=2, fusion={"rank": 4}, dropout=0.2)
        fabric = Fabric(accelerator="cpu", devices=1)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        balancer = ParetoGradientModulator()
        return Trainer(fabric, tiny_corpus, model, balancer, options, folder, seed=0, checkpoint_seconds=0)

    return build


class KilledError(RuntimeError):
    """Stands for the end of the process."""


@pytest.mark.parametrize("steps", [1, 4, 6])
def test_a_recorded_training_that_is_killed_ends_like_one_that_is_not(
    steps: int, trainer: Callable[..., Trainer]
) -> None:
    whole = trainer("whole")
    best = whole.fit()
    killed = trainer("killed")
    seen: list[Any] = []

    def on_event(event: Any) -> None:
        seen.append(event)
        if len(seen) == steps:
            raise KilledError

    killed.on_event = on_event
    with pytest.raises(KilledError):
        killed.fit()
    again = trainer("killed")
    assert again.fit() == best
    assert isinstance(again.step, GraphedStep)
    torch.testing.assert_close(again.model.state_dict(), whole.model.state_dict(), rtol=0, atol=0)


def test_the_checkpoint_of_a_recorded_training_is_that_of_an_ordinary_one(trainer: Callable[..., Trainer]) -> None:
    folders = []
    for graphs in (True, False):
        one = trainer(str(graphs), TrainingOptions(**{**vars(OPTIONS), "graphs": graphs, "epochs": 1}))
        one.fit()
        folders.append(load_checkpoint(one.folder))
    (ours,), (theirs,) = (state["rates"]["optimizer"]["param_groups"] for state in folders)
    # Tensors hold rates in float32.
    assert {**ours, "lr": 0} == {**theirs, "lr": 0} and ours["lr"] == pytest.approx(theirs["lr"])
    assert folders[0]["step"].keys() == folders[1]["step"].keys()


def test_a_configuration_with_graphs_is_checked_before_it_is_trained(tiny_corpus: Corpus) -> None:
    for model, fine in (("css", True), ("bc-lstm", False)):
        configuration = make_configuration({"model": {"name": model}, "training": {"graphs": True}})
        with nullcontext() if fine else pytest.raises(UnsuitableError, match="'bc-lstm'"):
            configuration.check(tiny_corpus)
