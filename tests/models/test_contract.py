"""What every model of the toolkit promises; a new file in ``crossspace/models`` is tested without a new line."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.batching import Batch, collate
from crossspace.building import without_storage
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.task import TaskSpec
from crossspace.errors import CrossspaceError, DataError, MismatchError, UsageError
from crossspace.models import MODELS, Model
from tests.models.small import small

Build = Callable[..., Model]


def test_models_are_found() -> None:
    assert {"css", "bc-lstm", "sdt", "dialoguernn", "logistic-regression"} <= set(MODELS)


@pytest.fixture(params=sorted(MODELS))
def kind(request: pytest.FixtureRequest) -> type[Model]:
    return MODELS[request.param]


@pytest.fixture
def build(kind: type[Model]) -> Build:
    """Builds a small model of the kind; whatever else it has stays at its defaults."""

    def made(task: TaskSpec, **arguments: object) -> Model:
        torch.manual_seed(0)
        return small(kind, task, **arguments).eval()

    return made


@pytest.fixture
def model(build: Build, task: TaskSpec) -> Model:
    return build(task)


@pytest.fixture
def exact(build: Build, task: TaskSpec) -> Model:
    return build(task).double()


def test_a_class_that_inherits_its_constructor_has_its_arguments(kind: type[Model]) -> None:
    assert inspect.signature(type("Further", (kind,), {})) == inspect.signature(kind)


def total_loss(model: Model, batch: Batch) -> torch.Tensor:
    output = model(batch)
    parts = [p for o in model.objectives() for p in o.parts(output, batch).values()]
    return torch.stack([p.total / p.count.clamp(min=1) for p in parts]).sum()


def test_outputs_have_one_row_per_utterance(model: Model, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(task, (4, 1, 6), missing=0.3)
    output = model(batch)
    assert output.logits.shape == (11, 3)
    assert set(output.unimodal) <= set(task.modalities)
    assert all(x.shape == (11, 3) for x in output.unimodal.values())
    assert output.representation and all(len(x) == 11 and x.ndim == 2 for x in output.representation.values())


def test_encoding_and_decoding_are_the_two_halves_of_the_model(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4, 3), missing=0.3)
    assert torch.equal(model.decode(model.encode(batch), batch).logits, model(batch).logits)


def test_decoding_reads_nothing_that_encoding_left_behind(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    first, second = make_batch(task, (4, 3), missing=0.3), make_batch(task, (2, 6), missing=0.3, seed=1)
    encoded = model.encode(first)
    model.encode(second)
    assert torch.equal(model.decode(encoded, first).logits, model(first).logits)


def test_order_and_company_in_the_batch_do_not_matter(
    exact: Model, task: TaskSpec, make_batch: Callable[..., Batch], take: Callable[..., Batch]
) -> None:
    lengths = (5, 1, 8, 3)
    batch = make_batch(task, lengths, missing=0.3, dtype=torch.float64)
    whole = exact(batch)
    for chosen in ((2,), (1,), (3, 0, 2, 1)):
        again = exact(take(batch, chosen))
        for name, found in {"": again.logits, **again.unimodal}.items():
            parts = (whole.unimodal[name] if name else whole.logits).split(lengths)
            expected = torch.cat([parts[c] for c in chosen])
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def test_names_of_local_speakers_do_not_matter(model: Model, task: TaskSpec) -> None:
    random = np.random.default_rng(0)
    features = [{m: random.normal(size=d).astype(np.float32) for m, d in task.widths.items()} for _ in range(5)]
    outputs = []
    for names in ("ABACB", "XYXZY"):
        said = [Utterance(str(i), n, features=f) for i, (n, f) in enumerate(zip(names, features, strict=True))]
        outputs.append(model(collate([Conversation("c", said)], task)).logits)
    assert torch.equal(*outputs)


@pytest.mark.parametrize(("garbage", "training"), [(1e6, False), (float("nan"), True), (float("inf"), False)])
def test_what_stands_in_missing_rows_reaches_no_output_and_no_gradient(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch], garbage: float, training: bool
) -> None:
    model.train(training)
    batch = make_batch(task, (5, 2, 6), missing=0.5)
    spoilt = {m: x.masked_fill(~batch.present[m].unsqueeze(1), garbage) for m, x in batch.features.items()}
    found = []
    for features in (batch.features, spoilt):
        one = replace(batch, features=features)
        model.zero_grad()
        torch.manual_seed(1)
        total_loss(model, one).backward()
        output = model(one)
        heads = [torch.where(batch.present[m].unsqueeze(1), x, 0.0) for m, x in output.unimodal.items()]
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        found.append([output.logits, *heads, *output.representation.values(), *gradients])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert all(torch.isfinite(x).all() for x in found[1])


def test_every_subset_of_the_modalities_gives_finite_outputs_and_gradients(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (5, 1, 6))
    found = []
    for size in range(len(task.widths) + 1):
        for kept in combinations(task.widths, size):
            seen = batch.keep(kept)
            model.zero_grad()
            total_loss(model, seen).backward()
            found.append(model(seen).logits.detach())
            assert torch.isfinite(found[-1]).all()
            assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(not torch.equal(a, b) for a, b in combinations(found, 2)), "every modality should matter"


@pytest.mark.parametrize("absent", ["text", "audio", "visual"])
def test_a_modality_missing_everywhere_equals_one_that_no_row_has(
    exact: Model, task: TaskSpec, make_batch: Callable[..., Batch], absent: str
) -> None:
    batch = make_batch(task, (3, 4), dtype=torch.float64)
    noise = {m: torch.randn_like(x) if m == absent else x for m, x in batch.features.items()}
    present = {m: torch.zeros_like(p) if m == absent else p for m, p in batch.present.items()}
    other = replace(batch, features=noise, present=present, complete=None)
    assert torch.equal(exact(other).logits, exact(batch.keep(set(task.widths) - {absent})).logits)


def test_as_few_modalities_as_it_says_are_enough_and_fewer_are_refused(
    kind: type[Model], build: Build, make_batch: Callable[..., Batch]
) -> None:
    widths = {"pulse": 3, "skin": 2}
    few = dict(list(widths.items())[: kind.least_modalities])
    for count in range(1, kind.least_modalities):
        with pytest.raises(UsageError, match="at least"):
            build(TaskSpec(("yes", "no"), dict(list(widths.items())[:count])))
    task = TaskSpec(("yes", "no"), few, speakers=("M", "F"))
    model = build(task)
    batch = make_batch(task, (3, 1), missing=0.3)
    assert model(batch).logits.shape == (4, 2)
    total_loss(model, batch).backward()


def test_labels_widths_and_number_of_modalities_are_free(build: Build, make_batch: Callable[..., Batch]) -> None:
    task = TaskSpec([f"label {i}" for i in range(11)], {"a": 1, "b": 9, "c": 2, "d": 5, "e": 3}, speakers=7)
    batch = make_batch(task, (2, 3), missing=0.2)
    output = build(task)(batch)
    assert output.logits.shape == (5, 11)
    assert torch.isfinite(output.logits).all()


def test_no_utterance_at_all_is_no_reason_to_fail(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, ())
    assert model.train()(batch).logits.shape == (0, 3)
    assert total_loss(model, batch) == 0
    total_loss(model, batch).backward()


def test_unlabelled_rows_have_no_loss_but_serve_as_context(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (6,), unlabelled=0.5, seed=3)
    other = replace(batch, labels=torch.where(batch.labels < 0, batch.labels, 0))
    assert torch.equal(model(batch).logits, model(other).logits)
    unknown = torch.full_like(batch.labels, -100)
    nothing = replace(batch, labels=unknown, sentiments=unknown)
    assert total_loss(model, nothing) == 0
    changed = {m: torch.where((batch.labels < 0).unsqueeze(1), x + 1, x) for m, x in batch.features.items()}
    same = torch.equal(total_loss(model, replace(batch, features=changed)), total_loss(model, batch))
    assert same is not model.contextual, "context should matter to a contextual model, and to no other"


def test_every_parameter_is_reached_by_some_objective(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    total_loss(model, make_batch(task, (5, 2, 6), missing=0.3)).backward()
    dead = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not dead


def test_shared_parameters_are_parameters_of_the_model_each_once(model: Model) -> None:
    shared = [id(p) for p in model.shared_parameters()]
    assert shared and len(set(shared)) == len(shared)
    assert set(shared) <= {id(p) for p in model.parameters()}


def test_groups_of_parameters_divide_the_model(model: Model) -> None:
    grouped = [id(p) for group in model.parameter_groups().values() for p in group]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())


def test_dropout_is_silent_in_evaluation(model: Model, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(task, (5, 2))
    assert torch.equal(model(batch).logits, model(batch).logits)
    assert not torch.equal(model.train()(batch).logits, model(batch).logits)


def test_a_longer_conversation_than_any_before_is_no_reason_to_fail_and_no_buffer_grows(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    before = {name: buffer.shape for name, buffer in model.named_buffers()}
    with torch.inference_mode():
        assert torch.isfinite(model(make_batch(task, (700,))).logits).all()
    total_loss(model.train(), make_batch(task, (700, 2))).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert {name: buffer.shape for name, buffer in model.named_buffers()} == before


def test_in_mixed_precision_the_gradient_points_where_it_should(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (5, 1, 6), missing=0.2)
    gradients = []
    for enabled in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = total_loss(model, batch)
        loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert torch.cosine_similarity(*gradients, dim=0) > 0.95


def test_arguments_can_be_written_as_json_and_rebuild_the_model(
    model: Model, task: TaskSpec, kind: type[Model]
) -> None:
    arguments = json.loads(json.dumps(model.arguments))
    assert set(arguments) == set(inspect.signature(kind).parameters) - {"task"}
    again = kind(TaskSpec.from_dict(json.loads(json.dumps(task.to_dict()))), **arguments)
    assert again.state_dict().keys() == model.state_dict().keys()


def test_a_number_that_nothing_can_be_computed_with_is_refused_before_there_are_weights(
    kind: type[Model], build: Build, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    numbers = {n: type(p.default) for n, p in inspect.signature(kind).parameters.items() if n != "task"}
    numbers = {n: of for n, of in numbers.items() if of in (int, float)}
    for name, of in numbers.items():
        for value in (-1,) if of is int else (-1.0, float("nan"), float("inf")):
            with without_storage(), pytest.raises((UsageError, ValueError)):
                build(task, **{name: value})
    for name in [n for n, of in numbers.items() if of is int]:
        with suppress(UsageError, ValueError):
            # Where none is no fault, it can be computed with.
            assert torch.isfinite(total_loss(build(task, **{name: 0}), make_batch(task, (3, 1))))


def test_an_argument_that_no_json_holds_is_named_where_it_stands(task: TaskSpec) -> None:
    with pytest.raises(UsageError, match=r"`losses\.temperature` should be finite\. Found nan"):
        MODELS["css"](task, losses={"temperature": float("nan")})
    with pytest.raises(UsageError, match=r"`speaker_weights\.text` should be finite\. Found inf"):
        MODELS["mm-dfn"](task, speaker_weights={"text": float("inf")})


@pytest.mark.parametrize("door", ["base class", "own class"])
def test_a_saved_model_gives_bitwise_the_same_outputs(
    model: Model, task: TaskSpec, make_batch: Callable[..., Batch], tmp_path: Path, door: str
) -> None:
    batch = make_batch(task, (5, 2), missing=0.3)
    model.prepare([make_batch(task, (9, 4), missing=0.2, seed=5)])
    model.details = {"seed": 3, "extractors": {"text": {"name": "words"}}}
    model.save_pretrained(tmp_path / "saved")
    again = (Model if door == "base class" else type(model)).from_pretrained(tmp_path / "saved")
    assert type(again) is type(model) and not again.training
    assert again.task == task and again.details == model.details
    assert json.dumps(again.arguments) == json.dumps(model.arguments)
    assert torch.equal(again(batch).logits, model(batch).logits)
    assert sorted(p.name for p in (tmp_path / "saved").iterdir() if p.suffix in (".json", ".safetensors")) == [
        "config.json",
        "model.safetensors",
    ]


def test_truncated_weights_are_refused_by_name(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    for size in (0, 5, weights.stat().st_size - 7):
        weights.write_bytes(weights.read_bytes()[:size])
        with pytest.raises(DataError, match=r"model\.safetensors"):
            Model.from_pretrained(tmp_path)
        model.save(tmp_path)


def _edit(change: Callable[[dict], object]) -> Callable[[str], str]:
    def edited(text: str) -> str:
        config = json.loads(text)
        change(config)
        return json.dumps(config)

    return edited


_DAMAGED = [
    lambda text: text[:40],
    lambda text: "[1, 2]",
    lambda text: "null",
    lambda text: "{}",
    _edit(lambda c: c.update(model="gpt")),
    _edit(lambda c: c.update(model=["css"])),
    _edit(lambda c: c.update(spec=[1])),
    _edit(lambda c: c["spec"].update(widths=[1, 2])),
    _edit(lambda c: c["spec"].update(labels=7)),
    _edit(lambda c: c["spec"].update(labels=[])),
    _edit(lambda c: c.update(arguments=[1])),
]
_DAMAGED_ARGUMENTS = [
    _edit(lambda c: c["arguments"].update(no_such_argument=1)),
    _edit(lambda c: c["arguments"].update(width="wide")),
    _edit(lambda c: c["arguments"].update(width=-8)),
    _edit(lambda c: c["arguments"].update(width=7)),
]


# A file is read alike for all models; what its arguments may be, each says itself.
@pytest.mark.parametrize(
    ("kind", "damage"),
    [*(("css", damage) for damage in _DAMAGED), *product(sorted(MODELS), _DAMAGED_ARGUMENTS)],
    indirect=["kind"],
)
def test_a_damaged_description_is_refused_by_name(model: Model, tmp_path: Path, damage: Callable[[str], str]) -> None:
    model.save(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(damage(config.read_text()))
    # A width that another model could have is no fault of the description alone: the weights are others.
    with pytest.raises((DataError, MismatchError), match=r"config\.json"):
        Model._from_pretrained(model_id=str(tmp_path))


def test_weights_of_another_model_are_refused_and_both_sides_named(model: Model, build: Build, tmp_path: Path) -> None:
    model.save(tmp_path)
    other = build(TaskSpec(("a", "b"), {"text": 3, "audio": 2}))
    other.save(tmp_path / "other")
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    with pytest.raises(MismatchError, match=r"model\.safetensors.*config\.json"):
        Model.from_pretrained(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CrossspaceError, match="config"):
        Model._from_pretrained(model_id=str(tmp_path))
