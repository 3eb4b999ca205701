"""CSS, Cross-Space Synergy (Lyu et al., AAAI 2026): two-stage encoding, polynomial fusion, three objectives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError, suggestion
from crossspace.models.base import Model
from crossspace.nn.corruption import Corruption
from crossspace.nn.dropout import Dropout
from crossspace.nn.fusion import FusionName
from crossspace.nn.fusion_choice import build_fusion
from crossspace.nn.interaction import Gate, InteractionEncoder
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.recurrent import RecurrentEncoder
from crossspace.nn.standardise import Standardise
from crossspace.nn.text_bias import TextBias
from crossspace.nn.transformer import TransformerEncoder
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy, UnimodalCrossEntropy
from crossspace.objectives.distillation import Distillation
from crossspace.output import Output

OBJECTIVES = ("fused", "unimodal", "distillation")


class CSS(Model):
    """Cross-Space Synergy.

    Every modality is projected to a common width and given position and speaker; one encoder models its own context
    (equation 2), one attends to the other modalities (equations 3 to 5); both are integrated (equation 6), fused
    (equations 7 to 10) and classified, fused and per modality. The defaults follow the paper. Every point where the
    released code departs from it is an argument of its own, marked *released* below.

    Args:
        task: labels, modalities and speakers.
        width: d of all inner representations.
        heads: attention heads, a divisor of ``width``.
        layers: layers of each modality-aware encoder.
        order: p, degree of the polynomial fusion and of other operators that have one.
        rank: r, rank of the polynomial fusion and of other operators that have one.
        dropout: everywhere but at the inputs.
        encoder: modality-aware encoder, a Transformer (the paper) or a GRU or LSTM in both directions.
        encoder_norm: also normalise before the attention of a Transformer's first layer.
        standardise: scale features by mean and deviation of the training split.
        input_swap: ``{modality: probability}`` of exchanging a row for a random one of the batch during training.
        input_noise: ``{modality: deviation}`` of Gaussian noise on the features during training.
        input_dropout: on the features.
        projection_bias: a bias in the input projections; neither paper nor released code has one.
        position: add sinusoidal positions.
        speaker: add speaker embeddings.
        context: False is the ablation without context: every utterance is encoded as if it were a conversation of its
            own, but for the index of its speaker.
        text_bias: the modality that adds a gated bias to the others (*released* for MELD: ``text``), or none.
        causal: look at the utterance itself and those before it only, as a stream needs it: attention reaches no later
            utterance, and a GRU or LSTM reads forwards alone.
        modality_aware: keep the modality-aware encoders (False is the ablation "without MAE").
        interaction_aware: keep the interaction-aware encoder (False is the ablation "without IAE").
        interaction_gate: ``vector`` or ``scalar`` (*released*).
        interaction_project_sources: project sources before they are mixed (*released*) instead of the mixture.
        interaction_residual: add the projected query and normalise (*released*).
        interaction_shared: one attention for all queries (*released*) instead of one per modality.
        branch_gates: multiply either branch by ``sigmoid(W branch)`` before integration (*released*).
        fusion: the fusion operator; ``polynomial`` is SPF, ``concatenation`` the ablation "without SPF", the others are
            those SPF is compared with.
        fusion_width: fuse at the model's width if none; a number maps every modality to that width, fuses there and
            maps back; ``budget`` takes the largest such width that needs no more parameters than SPF of the same order
            and rank at the model's width, and SPF itself as it is.
        fusion_shared: one projection for all modalities in SPF, and no gates: the ablation "without modality-specific
            projection".
        fusion_residual: add a linear map of the concatenation to the operator (*released* for SPF). Concatenation at
            the model's width is that map already and stays as it is. It does not count towards the ``budget``.
        fusion_root: ``continuous`` or ``released`` signed root in SPF.
        fusion_gelu: ``none`` for the exact GELU in SPF, ``tanh`` (*released*).
        fusion_gate_init: the free scalar behind the gates lambda of SPF at the start.
        unimodal_head: ``linear``, or ``mlp`` for ReLU, dropout, linear (*released*).
        detach_teacher: stop the gradient of distillation at the fused prediction; the released code does not.
        share_speaker: count the speaker embedding among the parameters whose gradients PGM compares; the released
            code does not.
        temperature: T of the distillation.
        smoothing: label smoothing of both cross-entropies.
        losses: which of the objectives to use, out of ``fused``, ``unimodal``, ``distillation``.

    Note:
        The paper adds position and speaker before the projection, where widths differ; here, as in the released code,
        they are added after it. With a single modality there is nothing to interact with and equations 3 to 5 fall
        away. Layer norms of a first layer that the released code holds but never runs do not exist here.
    """

    name = "css"
    citation = "Lyu et al., Cross-Space Synergy, AAAI 2026, doi:10.1609/aaai.v40i29.39602"
    published: ClassVar = {"iemocap": (75.42, 75.66), "meld": (68.47, 67.41)}

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 1024,
        heads: int = 8,
        layers: int = 1,
        order: int = 3,
        rank: int = 16,
        dropout: float = 0.5,
        encoder: Literal["transformer", "gru", "lstm"] = "transformer",
        encoder_norm: bool = False,
        standardise: bool = False,
        input_swap: dict[str, float] | None = None,
        input_noise: dict[str, float] | None = None,
        input_dropout: float = 0.0,
        projection_bias: bool = False,
        position: bool = True,
        speaker: bool = True,
        context: bool = True,
        causal: bool = False,
        text_bias: str | None = None,
        modality_aware: bool = True,
        interaction_aware: bool = True,
        interaction_gate: Gate = "vector",
        interaction_project_sources: bool = False,
        interaction_residual: bool = False,
        interaction_shared: bool = False,
        branch_gates: bool = False,
        fusion: FusionName = "polynomial",
        fusion_width: int | Literal["budget"] | None = None,
        fusion_shared: bool = False,
        fusion_residual: bool = False,
        fusion_root: Literal["continuous", "released"] = "continuous",
        fusion_gelu: Literal["none", "tanh"] = "none",
        fusion_gate_init: float = 1.0,
        unimodal_head: Literal["linear", "mlp"] = "linear",
        detach_teacher: bool = True,
        share_speaker: bool = True,
        temperature: float = 1.0,
        smoothing: float = 0.0,
        losses: Sequence[str] = OBJECTIVES,
    ) -> None:
        super().__init__(task)
        names = task.modalities
        for loss in losses:
            if loss not in OBJECTIVES:
                raise UsageError(f"Unknown objective {loss!r} in `losses`. {suggestion(loss, OBJECTIVES)}")
        if text_bias is not None and text_bias not in names:
            raise UsageError(f"`text_bias` should be one of the modalities {list(names)}. Found {text_bias!r}.")
        interaction_aware = interaction_aware and len(names) > 1
        branches = int(modality_aware) + int(interaction_aware)
        if not branches:
            raise UsageError("CSS needs the modality-aware or the interaction-aware encoder. Found neither.")
        unknown = sorted({*(input_swap or {}), *(input_noise or {})} - set(names))
        if unknown:
            raise UsageError(f"`input_swap` and `input_noise` are for the modalities {list(names)}. Found {unknown}.")
        self.losses, self.temperature, self.smoothing = tuple(losses), temperature, smoothing
        self.detach_teacher, self.share_speaker = detach_teacher, share_speaker
        self.context, self.causal = context, causal or not context

        self.standardise = Standardise(task.widths) if standardise else None
        self.corruption = Corruption(input_swap, input_noise)
        self.input_dropout = Dropout(input_dropout)
        self.projection = nn.ModuleDict({m: Linear(d, width, bias=projection_bias) for m, d in task.widths.items()})
        self.speaker = nn.Embedding(task.speaker_slots, width) if speaker else None
        self.position = SinusoidalPosition(width) if position else None
        self.text_bias = TextBias(width, text_bias, names) if text_bias and len(names) > 1 else None
        self.dropout = Dropout(dropout)

        def modality_encoder() -> nn.Module:
            if encoder == "transformer":
                return TransformerEncoder(width, heads, layers, dropout, first_norm=encoder_norm)
            return RecurrentEncoder(width, width, cell=encoder, layers=layers, dropout=dropout, causal=causal)

        def gates() -> nn.ModuleDict | None:
            if not branch_gates:
                return None
            return nn.ModuleDict({m: Linear(width, width, bias=False) for m in names})

        self.encoder = nn.ModuleDict({m: modality_encoder() for m in names}) if modality_aware else None
        self.encoder_gate = gates() if modality_aware else None
        self.interaction = (
            InteractionEncoder(
                width,
                heads,
                names,
                gate=interaction_gate,
                project_sources=interaction_project_sources,
                residual=interaction_residual,
                shared=interaction_shared,
                dropout=dropout,
            )
            if interaction_aware
            else None
        )
        self.interaction_gate = gates() if interaction_aware else None
        self.integration = nn.ModuleDict({m: Linear(branches * width, width) for m in names})
        self.fusion = build_fusion(
            fusion,
            width,
            names,
            inner_width=fusion_width,
            residual=fusion_residual,
            options={
                "order": order,
                "rank": rank,
                "root": fusion_root,
                "gate_init": fusion_gate_init,
                "gelu": fusion_gelu,
                "shared": fusion_shared,
            },
        )
        before = [nn.ReLU(), Dropout(dropout)] if unimodal_head == "mlp" else []
        classes = len(task.labels)
        self.unimodal = nn.ModuleDict({m: nn.Sequential(*before, Linear(width, classes)) for m in names})
        self.classifier = Linear(width, classes)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Measure the scale of the features on the training split."""
        if self.standardise is not None:
            self.standardise.fit(batches)

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """h~^(m) of equation 6, zero where the modality is missing."""
        present = {m: batch.presence(m) for m in self.task.modalities}
        layout = self._layout(batch)
        rows = self._enriched(batch, present, layout)
        branches: dict[str, list[Tensor]] = {m: [] for m in rows}
        if self.encoder is not None:
            for m, encoder in self.encoder.items():
                context = encoder(self.dropout(rows[m]), layout, present[m])
                branches[m].append(_gated(context, self.encoder_gate, m))
        if self.interaction is not None:
            dropped = {m: self.dropout(x) for m, x in rows.items()}
            for m, context in self.interaction(dropped, present, layout).items():
                branches[m].append(_gated(context, self.interaction_gate, m))
        return {m: only(linear(torch.cat(branches[m], dim=1)), present[m]) for m, linear in self.integration.items()}

    def _layout(self, batch: Batch) -> Layout:
        """Who sees whom."""
        if not self.context:
            return batch.layout.alone
        return batch.layout.past if self.causal else batch.layout

    def _enriched(self, batch: Batch, present: Mapping[str, Tensor | None], layout: Layout) -> dict[str, Tensor]:
        """h^(m): projected features with position and speaker, zero where missing."""
        rows = {}
        for m, projection in self.projection.items():
            features = batch.features[m] if self.standardise is None else self.standardise(m, batch.features[m])
            features = self.corruption(m, features, present[m])
            rows[m] = projection(self.input_dropout(only(features, present[m])))
        if self.text_bias is not None:
            rows = self.text_bias(rows, present[self.text_bias.source])
        context: Tensor | float = 0.0
        if self.position is not None:
            context = context + self.position(layout.positions, layout.longest)
        if self.speaker is not None:
            context = context + self.speaker(batch.speakers)
        return {m: only(x + context, present[m]) for m, x in rows.items()}

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Fused and unimodal logits from h~^(m)."""
        present = {m: mask for m in self.task.modalities if (mask := batch.presence(m)) is not None}
        fused = self.fusion(representation, present)
        unimodal = {m: head(representation[m]) for m, head in self.unimodal.items()}
        return Output(self.classifier(fused), unimodal, representation)

    def objectives(self) -> list[Objective]:
        """L1, L2 and L3 of equations 11 to 13, as far as ``losses`` names them."""
        chosen: dict[str, Objective] = {
            "fused": CrossEntropy(self.smoothing),
            "unimodal": UnimodalCrossEntropy(self.smoothing),
            "distillation": Distillation(self.temperature, self.detach_teacher),
        }
        return [chosen[name] for name in OBJECTIVES if name in self.losses]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the fusion: projections, encoders, gates, integration, and the speakers as configured."""
        own: list[nn.Module | None] = [self.fusion, self.unimodal, self.classifier]
        if not self.share_speaker:
            own.append(self.speaker)
        apart = {id(p) for module in own if module is not None for p in module.parameters()}
        return [p for p in self.parameters() if id(p) not in apart]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part, named as in the project's table of sizes."""
        parts: dict[str, list[nn.Module | None]] = {
            "speaker embedding": [self.speaker],
            "input projections": [self.projection],
            "text bias": [self.text_bias],
            "modality encoders": [self.encoder],
            "interaction attention": [self.interaction],
            "branch gates": [self.encoder_gate, self.interaction_gate],
            "integration": [self.integration],
            "fusion": [self.fusion],
            "classifiers": [self.unimodal, self.classifier],
        }
        groups = {
            name: list(chain.from_iterable(m.parameters() for m in modules if m is not None))
            for name, modules in parts.items()
        }
        return {name: parameters for name, parameters in groups.items() if parameters}


def _gated(branch: Tensor, gates: nn.ModuleDict | None, modality: str) -> Tensor:
    return branch if gates is None else branch * torch.sigmoid(gates[modality](branch))
