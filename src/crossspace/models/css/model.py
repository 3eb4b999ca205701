"""CSS, Cross-Space Synergy (Lyu et al., AAAI 2026): two-stage encoding, polynomial fusion, three objectives."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.bounds import check_counts, check_shares
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.css import flat
from crossspace.models.css.corruption import CORRUPTION, CorruptionSpec
from crossspace.models.css.interaction import INTERACTION, InteractionSpec
from crossspace.models.css.losses import LOSSES, LossesSpec
from crossspace.models.css.text_bias import TextBias
from crossspace.nn.dropout import Dropout
from crossspace.nn.encoders import ENCODER, EncoderSpec
from crossspace.nn.fusion import FUSION, FusionSpec
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.output import Output


class CSS(Model):
    """Cross-Space Synergy.

    Every modality is projected to a common width and given position and speaker; one encoder models its own context
    (equation 2), one attends to the other modalities (equations 3 to 5); both are integrated (equation 6), fused
    (equations 7 to 10) and classified, fused and per modality. The defaults follow the paper. Every point where the
    released code departs from it is an argument of its own, marked *released* here and in the parts.

    Args:
        task: labels, modalities and speakers.
        width: d of all inner representations.
        heads: attention heads, a divisor of ``width``.
        dropout: everywhere but at the inputs.
        standardise: scale features by mean and deviation of the training split.
        corruption: how features are disturbed during training.
        projection_bias: a bias in the input projections; neither paper nor released code has one.
        position: add sinusoidal positions.
        speaker: add speaker embeddings.
        share_speaker: count the speaker embedding among the parameters whose gradients PGM compares; the released
            code does not.
        text_bias: the modality that adds a gated bias to the others (*released* for MELD: ``text``), or none.
        context: False is the ablation without context: every utterance is encoded as if it were a conversation of its
            own, but for the index of its speaker.
        causal: look at the utterance itself and those before it only, as a stream needs it: attention reaches no later
            utterance, and a GRU or LSTM reads forwards alone.
        modality_aware: keep the modality-aware encoders (False is the ablation "without MAE").
        encoder: the modality-aware encoder, a Transformer (the paper) or another one.
        interaction_aware: keep the interaction-aware encoder (False is the ablation "without IAE").
        interaction: the interaction-aware encoder.
        branch_gates: multiply either branch by ``sigmoid(W branch)`` before integration (*released*).
        fusion: the fusion operator; ``polynomial`` is SPF, ``concatenation`` the ablation "without SPF", the others are
            those SPF is compared with.
        unimodal_head: ``linear``, or ``mlp`` for ReLU, dropout, linear (*released*).
        losses: the objectives.

    Note:
        The paper adds position and speaker before the projection, where widths differ; here, as in the released code,
        they are added after it. With a single modality there is nothing to interact with and equations 3 to 5 fall
        away. Layer norms of a first layer that the released code holds but never runs do not exist here.
    """

    name = "css"
    citation = "Lyu et al., Cross-Space Synergy, AAAI 2026, doi:10.1609/aaai.v40i29.39602"
    moved: ClassVar = flat.MOVED

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 1024,
        heads: int = 8,
        dropout: float = 0.5,
        standardise: bool = False,
        corruption: CorruptionSpec = None,
        projection_bias: bool = False,
        position: bool = True,
        speaker: bool = True,
        share_speaker: bool = True,
        text_bias: str | None = None,
        context: bool = True,
        causal: bool = False,
        modality_aware: bool = True,
        encoder: EncoderSpec = "transformer",
        interaction_aware: bool = True,
        interaction: InteractionSpec = None,
        branch_gates: bool = False,
        fusion: FusionSpec = "polynomial",
        unimodal_head: Literal["linear", "mlp"] = "linear",
        losses: LossesSpec = None,
    ) -> None:
        super().__init__(task)
        check_counts(most=None, width=width)
        check_shares(dropout=dropout)
        names = task.modalities
        self.losses, self.dropout = LOSSES.build(losses), Dropout(dropout)
        self.context, self.causal, self.share_speaker = context, causal or not context, share_speaker
        self.corruption = CORRUPTION.build(corruption, modalities=names)
        self._add_inputs(width, standardise, projection_bias, position, speaker, text_bias)
        shape = {"width": width, "heads": heads, "dropout": dropout, "causal": causal, "modalities": names}
        self.encoder = nn.ModuleDict({m: ENCODER.build(encoder, **shape) for m in names}) if modality_aware else None
        self.encoder_gate = self._gates(width) if branch_gates and modality_aware else None
        among = interaction_aware and len(names) > 1
        self.interaction = INTERACTION.build(interaction, **shape) if among else None
        self.interaction_gate = self._gates(width) if branch_gates and among else None
        self._add_integration(width)
        self.fusion = FUSION.build(fusion, width=width, modalities=names)
        self._add_classifiers(width, dropout, unimodal_head)

    def _add_inputs(
        self, width: int, standardise: bool, bias: bool, position: bool, speaker: bool, text_bias: str | None
    ) -> None:
        """What leads from features to h^(m)."""
        task, names = self.task, self.task.modalities
        if text_bias is not None and text_bias not in names:
            raise UsageError(f"`text_bias` should be one of the modalities {list(names)}. Found {text_bias!r}.")
        self.standardise = Standardise(task.widths) if standardise else None
        self.projection = nn.ModuleDict({m: Linear(d, width, bias=bias) for m, d in task.widths.items()})
        self.speaker = nn.Embedding(task.speaker_slots, width) if speaker else None
        self.position = SinusoidalPosition(width) if position else None
        self.text_bias = TextBias(width, text_bias, names) if text_bias and len(names) > 1 else None

    def _gates(self, width: int) -> nn.ModuleDict:
        """The W of a branch, one per modality."""
        return nn.ModuleDict({m: Linear(width, width, bias=False) for m in self.task.modalities})

    def _add_integration(self, width: int) -> None:
        """The map from all branches to h~^(m)."""
        branches = sum(branch is not None for branch in (self.encoder, self.interaction))
        if not branches:
            raise UsageError("CSS needs the modality-aware or the interaction-aware encoder. Found neither.")
        self.integration = nn.ModuleDict({m: Linear(branches * width, width) for m in self.task.modalities})

    def _add_classifiers(self, width: int, dropout: float, unimodal_head: str) -> None:
        """What leads from h~^(m), and from the fusion, to logits."""
        before = [nn.ReLU(), Dropout(dropout)] if unimodal_head == "mlp" else []
        classes = len(self.task.labels)
        self.unimodal = nn.ModuleDict({m: nn.Sequential(*before, Linear(width, classes)) for m in self.task.modalities})
        self.classifier = Linear(width, classes)

    @property
    def fillable(self) -> bool:  # type: ignore[override]
        """Unless rows are exchanged for any other ones, or encoded by a recurrence."""
        encoders = [] if self.encoder is None else list(self.encoder.values())
        return not any(self.corruption.swap.values()) and all(encoder.fillable for encoder in encoders)

    @classmethod
    def translated(cls, arguments: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Arguments of releases in which CSS had no parts."""
        return flat.translate(arguments, earlier or {})

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
            features = self.scaled(batch, m)
            rows[m] = projection(self.corruption(m, features, present[m]))
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
        return self.losses.objectives()

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the fusion: projections, encoders, gates, integration, and the speakers as configured."""
        speaker = None if self.share_speaker else self.speaker
        return self.parameters_but(self.fusion, self.unimodal, self.classifier, speaker)

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
