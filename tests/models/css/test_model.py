"""CSS: its size part by part, its arithmetic against a plain rewriting, and every departure as one argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.configuration import make_configuration
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.css import CSS
from crossspace.models.css.interaction import InteractionEncoder
from crossspace.models.css.text_bias import TextBias
from crossspace.nn import SynergisticPolynomialFusion, TransformerEncoder
from crossspace.nn.fusion import FUSIONS
from crossspace.parts import merged, parts_of
from crossspace.recipes import read_recipe, recipe_names, recipe_summary

IEMOCAP = TaskSpec(
    ("happy", "sad", "neutral", "angry", "excited", "frustrated"),
    {"text": 1024, "audio": 1582, "visual": 342},
    speakers=("F", "M"),
)
MELD = TaskSpec(
    ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"),
    {"text": 1024, "audio": 300, "visual": 342},
    speakers=9,
)
RELEASED = {
    key: value
    for key, value in read_recipe("css-meld-released")["model"].items()
    if key not in ("name", "width", "heads", "dropout")
}
SMALL = {"width": 8, "heads": 2, "fusion": {"rank": 4}, "dropout": 0.0}


def flattened(arguments: dict[str, object]) -> dict[str, object]:
    """Arguments and, in place of parts, their options under dotted names."""
    parts = parts_of(CSS)
    return {
        f"{key}.{option}" if option else key: one
        for key, value in arguments.items()
        for option, one in (value.items() if key in parts else [("", value)])
    }


@cache
def sizes(recipe: str) -> dict[str, int]:
    arguments = {k: v for k, v in read_recipe(recipe)["model"].items() if k != "name"}
    with torch.device("meta"):
        model = CSS(IEMOCAP if "iemocap" in recipe else MELD, **arguments)
    return {name: sum(p.numel() for p in group) for name, group in model.parameter_groups().items()}


@pytest.mark.parametrize(
    ("recipe", "parts"),
    [
        (
            "css-iemocap-released",
            {
                "speaker embedding": 3_072,
                "input projections": 3_018_752,
                "modality encoders": 18_898_944,
                "interaction attention": 6_301_698,
                "branch gates": 6_291_456,
                "integration": 6_294_528,
                "fusion": 3_311_673,
                "classifiers": 24_600,
            },
        ),
        (
            "css-meld-released",
            {
                "speaker embedding": 10_240,
                "input projections": 1_705_984,
                "text bias": 4_198_400,
                "modality encoders": 18_898_944,
                "interaction attention": 6_301_698,
                "branch gates": 6_291_456,
                "integration": 6_294_528,
                "fusion": 3_360_844,
                "classifiers": 28_700,
            },
        ),
        (
            "css-iemocap-paper",
            {
                "speaker embedding": 3_072,
                "input projections": 3_018_752,
                "modality encoders": 18_898_944,
                # three attentions of four maps, and three gates: 15 (d^2 + d)
                "interaction attention": 15_744_000,
                "integration": 6_294_528,
                "fusion": 164_921,
                "classifiers": 24_600,
            },
        ),
        (
            "css-meld-paper",
            {
                "speaker embedding": 10_240,
                "input projections": 1_705_984,
                "modality encoders": 18_898_944,
                "interaction attention": 15_744_000,
                "integration": 6_294_528,
                "fusion": 214_092,
                "classifiers": 28_700,
            },
        ),
    ],
)
def test_sizes_of_the_parts_are_those_of_the_table(recipe: str, parts: dict[str, int]) -> None:
    assert sizes(recipe) == parts


def test_totals_are_those_that_are_published() -> None:
    assert sum(sizes("css-iemocap-released").values()) == 44_144_723
    assert sum(sizes("css-meld-released").values()) == 47_090_794
    assert sum(sizes("css-iemocap-paper").values()) == 44_148_817
    assert sum(sizes("css-meld-paper").values()) == 42_896_488


def test_all_recipes_of_css_are_found_and_none_more() -> None:
    expected = {"css-iemocap-paper", "css-iemocap-released", "css-meld-paper", "css-meld-released", "css-mosi"}
    found = {name for name in recipe_names() if name.startswith("css-")}
    assert found == expected | {"css-synthetic", "css-meld-text", "css-small"}


@pytest.mark.parametrize("recipe", recipe_names())
def test_recipes_are_valid_and_say_what_they_are_for(recipe: str) -> None:
    configuration = make_configuration(read_recipe(recipe), recipe)
    complete = configuration.to_dict()
    assert make_configuration({k: complete[k] for k in ("model", "balancer", "training")}, recipe) == configuration
    for section, values in read_recipe(recipe).items():
        for key, value in values.items():
            stands = complete[section][key]
            assert stands == value or stands.items() >= value.items(), "a part of a recipe states some of its options"
    assert len(recipe_summary(recipe)) > 20


@pytest.mark.parametrize("data", ["iemocap", "meld"])
def test_paper_and_released_recipes_differ_in_the_departures_only(data: str) -> None:
    recipes = [read_recipe(f"css-{data}-{variant}") for variant in ("paper", "released")]
    assert recipes[0]["training"] == recipes[1]["training"] and recipes[0]["balancer"] == recipes[1]["balancer"]
    paper, released = (flattened(recipe["model"]) for recipe in recipes)
    assert paper.keys() == released.keys()
    differing = {k for k in paper if paper[k] != released[k]}
    expected = set(DEPARTURES) - {"fusion.gate_init"}
    assert differing == (expected if data == "meld" else expected - {"text_bias"})


class Plain:
    """CSS rewritten for one conversation with all modalities, from the description of the released code and the paper.

    Weights come from the model under test, nothing else does.
    """

    def __init__(self, model: CSS, released: bool, heads: int = 2) -> None:
        self.state, self.names, self.heads = model.state_dict(), model.task.modalities, heads
        self.released, self.width = released, model.integration["text"].weight.shape[0]

    def linear(self, name: str, x: Tensor) -> Tensor:
        bias = self.state.get(f"{name}.bias")
        out = x @ self.state[f"{name}.weight"].T
        return out if bias is None else out + bias

    def norm(self, name: str, x: Tensor, eps: float) -> Tensor:
        centred = x - x.mean(1, keepdim=True)
        scaled = centred / (centred.square().mean(1, keepdim=True) + eps).sqrt()
        return scaled * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def position(self, length: int) -> Tensor:
        table = torch.zeros(length, self.width, dtype=torch.float64)
        for t in range(length):
            for i in range(0, self.width, 2):
                table[t, i] = math.sin(t / 10000 ** (i / self.width))
                table[t, i + 1] = math.cos(t / 10000 ** (i / self.width))
        return table

    def attention(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = self.width // self.heads
        heads = []
        for h in range(self.heads):
            part = slice(h * size, (h + 1) * size)
            heads.append(torch.softmax(q[:, part] @ k[:, part].T / math.sqrt(size), 1) @ v[:, part])
        return torch.cat(heads, 1)

    def own_context(self, m: str, x: Tensor) -> Tensor:
        name = f"encoder.{m}.layers.0"
        parts = (self.linear(f"{name}.attention.{p}", x) for p in ("query", "key", "value"))
        x = x + self.linear(f"{name}.attention.output", self.attention(*parts))
        inner = self.linear(f"{name}.inner", self.norm(f"{name}.norm", x, 1e-6))
        inner = 0.5 * inner * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner**3)))
        return x + self.linear(f"{name}.outer", inner)

    def others_context(self, m: str, h: dict[str, Tensor]) -> Tensor:
        others = [n for n in self.names if n != m]
        if not self.released:
            name = f"interaction.attention.{m}"
            gates = [torch.sigmoid(self.linear(f"interaction.vector_gate.linear.{n}", h[m])) for n in others]
            mixed = sum(g * h[n] for g, n in zip(gates, others, strict=True))
            keys, values = self.linear(f"{name}.key.0", mixed), self.linear(f"{name}.value.0", mixed)
            return self.linear(f"{name}.output", self.attention(self.linear(f"{name}.query", h[m]), keys, values))
        name = "interaction.attention.all"
        query = self.linear(f"{name}.query", h[m])
        mixed = {}
        for kind in ("key", "value"):
            gate = torch.sigmoid(self.linear(f"{name}.{kind}_gate.linear", query))
            first, second = (self.linear(f"{name}.{kind}.{i}", h[n]) for i, n in enumerate(others))
            mixed[kind] = gate * first + (1 - gate) * second
        context = self.linear(f"{name}.output", self.attention(query, mixed["key"], mixed["value"]))
        return self.norm(f"{name}.norm", context + query, 1e-5)

    def __call__(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        h = {m: self.linear(f"projection.{m}", batch.features[m]) for m in self.names}
        if self.released:
            text = h["text"]
            for m in ("audio", "visual"):
                gate = torch.sigmoid(torch.sigmoid(self.linear(f"text_bias.gate.{m}", text)))
                h[m] = h[m] + gate * self.linear(f"text_bias.bias.{m}", text)
        added = self.position(len(batch)) + self.state["speaker.weight"][batch.speakers]
        h = {m: x + added for m, x in h.items()}
        representation = {}
        for m in self.names:
            branches = [self.own_context(m, h[m]), self.others_context(m, h)]
            if self.released:
                names = (f"encoder_gate.{m}", f"interaction_gate.{m}")
                branches = [b * torch.sigmoid(self.linear(n, b)) for b, n in zip(branches, names, strict=True)]
            representation[m] = self.linear(f"integration.{m}", torch.cat(branches, 1))
        head = "2" if self.released else "0"
        unimodal = {
            m: self.linear(f"unimodal.{m}.{head}", x.clamp(min=0) if self.released else x)
            for m, x in representation.items()
        }
        return self.linear("classifier", self.fused(representation)), unimodal

    def fused(self, rows: dict[str, Tensor]) -> Tensor:
        product: Tensor | float = 1.0
        for j in range(len(self.state["fusion.anchor"])):
            total = self.state["fusion.anchor"][j]
            for i, m in enumerate(self.names):
                z = rows[m] @ self.state["fusion.projection"][i, j].T
                z = F.gelu(z, approximate="tanh" if self.released else "none")
                total = total + torch.sigmoid(self.state["fusion.gate_logit"][j, i]) * z
            product = product * total
        shift = 0.0 if self.released else 1e-3
        root = product.sign() * ((product.abs() + 1e-6).sqrt() - shift)
        out = self.linear("fusion.output", root)
        if self.released:
            out = out + self.linear("fusion.residual", torch.cat([rows[m] for m in self.names], 1))
        return out


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., CSS]:
    def build(**arguments: object) -> CSS:
        torch.manual_seed(0)
        model = CSS(task, **merged(CSS, SMALL, arguments)).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        return model

    return build


@pytest.mark.parametrize("released", [True, False])
def test_outputs_are_those_of_a_plain_rewriting(
    small: Callable[..., CSS], task: TaskSpec, make_batch: Callable[..., Batch], released: bool
) -> None:
    model = small(**(RELEASED if released else {}))
    batch = make_batch(task, (7,), dtype=torch.float64)
    output = model(batch)
    logits, unimodal = Plain(model, released)(batch)
    torch.testing.assert_close(output.logits, logits, rtol=1e-6, atol=1e-6)
    for m, expected in unimodal.items():
        torch.testing.assert_close(output.unimodal[m], expected, rtol=1e-6, atol=1e-6)


DEPARTURES = {
    "interaction.gate": "vector",
    "interaction.project_sources": False,
    "interaction.residual": False,
    "interaction.shared": False,
    "branch_gates": False,
    "fusion.residual": False,
    "fusion.root": "continuous",
    "fusion.gate_init": 0.0,
    "fusion.gelu": "none",
    "text_bias": None,
    "unimodal_head": "linear",
    "losses.detach_teacher": True,
    "share_speaker": True,
}


def behaviour(model: CSS, batch: Batch) -> list[Tensor]:
    """Outputs, losses and gradients of a model, as far as tensors of equal names can be compared."""
    model.zero_grad()
    output = model(batch)
    parts = [p for o in model.objectives() for p in o.parts(output, batch).values()]
    torch.stack([p.total for p in parts]).sum().backward()
    return [output.logits, *output.unimodal.values(), *(p.total for p in parts), *(p.grad for p in model.parameters())]


@pytest.mark.parametrize("argument", sorted(DEPARTURES))
def test_every_departure_is_an_argument_of_its_own(
    small: Callable[..., CSS], task: TaskSpec, make_batch: Callable[..., Batch], argument: str
) -> None:
    assert flattened(RELEASED)[argument] != DEPARTURES[argument]
    released, other = small(**RELEASED), small(**{**RELEASED, argument: DEPARTURES[argument]})
    batch = make_batch(task, (4, 2), dtype=torch.float64)
    shapes = [[p.shape for p in model.parameters()] for model in (released, other)]
    if shapes[0] != shapes[1] or len(released.shared_parameters()) != len(other.shared_parameters()):
        return
    if argument != "fusion.gate_init":  # which sets a parameter
        other.load_state_dict(dict(zip(other.state_dict(), released.state_dict().values(), strict=True)))
    found, again = behaviour(released, batch), behaviour(other, batch)
    assert any(not torch.equal(a, b) for a, b in zip(found, again, strict=True))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("position", False),
        ("speaker", False),
        ("context", False),
        ("modality_aware", False),
        ("interaction_aware", False),
        *(("fusion", name) for name in sorted(FUSIONS) if name != "polynomial"),
        ("fusion.shared", True),
        ("fusion.inner_width", 3),
        ("fusion.residual", True),
        ("encoder", "gru"),
        ("encoder", "lstm"),
        ("encoder.first_norm", True),
        ("projection_bias", True),
        ("encoder.layers", 2),
        ("fusion.order", 5),
        ("standardise", True),
    ],
)
def test_ablations_and_variants_change_the_output_and_train(
    small: Callable[..., CSS], task: TaskSpec, make_batch: Callable[..., Batch], argument: str, value: object
) -> None:
    batch = make_batch(task, (4, 2), missing=0.2, dtype=torch.float64)
    plain, other = small(), small(**{argument: value})
    other.prepare([batch])
    assert not torch.equal(plain(batch).logits, other(batch).logits)
    assert all(torch.isfinite(x).all() for x in behaviour(other, batch))


@pytest.mark.parametrize("encoder", ["transformer", "gru"])
def test_without_context_every_utterance_is_a_conversation_of_its_own(
    small: Callable[..., CSS], task: TaskSpec, make_batch: Callable[..., Batch], encoder: str
) -> None:
    model, with_context = small(encoder=encoder, context=False), small(encoder=encoder)
    batch = make_batch(task, (4, 1, 3), missing=0.3, dtype=torch.float64)
    apart = replace(batch, lengths=torch.ones(len(batch), dtype=torch.long))
    torch.testing.assert_close(model(batch).logits, with_context(apart).logits, rtol=1e-12, atol=1e-12)
    assert model.state_dict().keys() == with_context.state_dict().keys()


def test_temperature_and_smoothing_reach_the_objectives(small: Callable[..., CSS]) -> None:
    fused, unimodal, distillation = small(
        losses={"temperature": 4.0, "smoothing": 0.1, "detach_teacher": False}
    ).objectives()
    assert (fused.smoothing, unimodal.smoothing, distillation.temperature) == (0.1, 0.1, 4.0)
    assert distillation.detach_teacher is False


@pytest.mark.parametrize("losses", [("fused",), ("distillation", "fused"), ("unimodal", "fused", "distillation")])
def test_chosen_losses_come_in_the_order_of_the_paper(small: Callable[..., CSS], losses: tuple[str, ...]) -> None:
    expected = [name for name in ("fused", "unimodal", "distillation") if name in losses]
    assert [o.name for o in small(losses={"use": losses}).objectives()] == expected


def test_shared_parameters_leave_out_fusion_classifiers_and_as_released_the_speakers(small: Callable[..., CSS]) -> None:
    for share in (True, False):
        model = small(share_speaker=share)
        shared = {id(p) for p in model.shared_parameters()}
        names = {n.split(".")[0] for n, p in model.named_parameters() if id(p) not in shared}
        assert names == {"fusion", "unimodal", "classifier"} | (set() if share else {"speaker"})


@pytest.mark.parametrize("fusion", sorted(FUSIONS))
@pytest.mark.parametrize("width", [None, 3, "budget"])
@pytest.mark.parametrize("residual", [True, False])
def test_every_fusion_at_every_width_is_one_part_above_the_shared_parameters(
    small: Callable[..., CSS], fusion: str, width: int | str | None, residual: bool
) -> None:
    chosen = small(fusion={"name": fusion, "inner_width": width, "residual": residual})
    shared = {id(p) for p in chosen.shared_parameters()}
    own = list(chosen.fusion.parameters())
    assert [id(p) for p in chosen.parameter_groups()["fusion"]] == [id(p) for p in own]
    assert not shared & {id(p) for p in own}
    assert len(shared) == len(small().shared_parameters())


def test_names_of_the_parameters_of_the_old_fusions_stay(small: Callable[..., CSS]) -> None:
    def names(**arguments: object) -> set[str]:
        return {n for n in small(**arguments).state_dict() if n.startswith("fusion.")}

    own = {"fusion.projection", "fusion.gate_logit", "fusion.anchor", "fusion.output.weight", "fusion.output.bias"}
    assert names() == names(fusion={"inner_width": "budget"}) == own
    assert names(fusion={"shared": True}) == own - {"fusion.gate_logit"}
    assert names(fusion={"residual": True}) == own | {"fusion.residual.weight", "fusion.residual.bias"}
    for residual in (True, False):
        found = names(fusion={"name": "concatenation", "residual": residual})
        assert found == {"fusion.output.weight", "fusion.output.bias"}


@pytest.mark.parametrize("fusion", sorted(FUSIONS))
def test_budget_of_the_paper_holds_for_every_fusion(fusion: str) -> None:
    arguments = {k: v for k, v in read_recipe("css-iemocap-paper")["model"].items() if k != "name"}
    with torch.device("meta"):
        model = CSS(IEMOCAP, **{**arguments, "fusion": {"name": fusion, "inner_width": "budget"}})
    size = sum(p.numel() for p in model.parameter_groups()["fusion"])
    assert 0.85 * 164_921 < size <= 164_921


def test_weights_are_drawn_in_the_order_of_the_computation(task: TaskSpec) -> None:
    names, given = task.modalities, {"width": 8, "heads": 2, "dropout": 0.0}
    torch.manual_seed(7)
    model = CSS(task, **merged(CSS, SMALL, RELEASED))
    after = torch.rand(1)
    torch.manual_seed(7)

    def each(build: Callable[[str], nn.Module]) -> nn.ModuleDict:
        return nn.ModuleDict({m: build(m) for m in names})

    drawn = {
        "projection": each(lambda m: nn.Linear(task.widths[m], 8, bias=False)),
        "speaker": nn.Embedding(task.speaker_slots, 8),
        "text_bias": TextBias(8, "text", names),
        "encoder": each(lambda m: TransformerEncoder(8, 2)),
        "encoder_gate": each(lambda m: nn.Linear(8, 8, bias=False)),
        "interaction": InteractionEncoder(**given, modalities=names, **RELEASED["interaction"]),
        "interaction_gate": each(lambda m: nn.Linear(8, 8, bias=False)),
        "integration": each(lambda m: nn.Linear(16, 8)),
        "fusion": SynergisticPolynomialFusion(8, names, 4, 16, residual=True),
        "unimodal": each(lambda m: nn.Sequential(nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, len(task.labels)))),
        "classifier": nn.Linear(8, len(task.labels)),
    }
    expected = {f"{part}.{name}": x for part, module in drawn.items() for name, x in module.state_dict().items()}
    assert list(model.state_dict()) == list(expected)
    assert all(torch.equal(model.state_dict()[name], x) for name, x in expected.items())
    assert torch.equal(after, torch.rand(1)), "as many numbers were drawn"


def test_an_unknown_fusion_is_found_in_the_configuration() -> None:
    with pytest.raises(UsageError, match=r"model\.fusion.*'polynomial'"):
        make_configuration({"model": {"name": "css", "fusion": "polynomal"}})
    chosen = {"name": "low-rank", "inner_width": "budget"}
    found = make_configuration({"model": {"name": "css", "fusion": chosen}}).model["fusion"]
    assert (found["name"], found["inner_width"], found["rank"]) == ("low-rank", "budget", 16)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"heads": 3}, "heads=3"),
        ({"fusion": "polynomal"}, "'polynomial'"),
        ({"fusion": {"inner_width": 0}}, "inner_width"),
        ({"fusion": "tensor", "width": 200}, "inner_width"),
        ({"losses": {"use": ("fused", "unimodl")}}, "unimodal"),
        ({"corruption": {"swap": {"txt": 0.1}}}, "txt"),
        ({"text_bias": "txt"}, "text"),
        ({"modality_aware": False, "interaction_aware": False}, "neither"),
        ({"fusion": {"order": 0}}, "`order`"),
    ],
)
def test_impossible_arguments_are_refused(task: TaskSpec, fault: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CSS(task, **merged(CSS, SMALL, fault))


def test_missing_text_adds_no_bias_to_the_others(
    small: Callable[..., CSS], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small(text_bias="text")
    batch = make_batch(task, (5,), dtype=torch.float64).keep({"audio", "visual"})
    without = small(text_bias=None)
    without.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("text_bias")})
    torch.testing.assert_close(model(batch).logits, without(batch).logits)
