"""SDT, a Transformer with self-distillation (Ma et al., IEEE TMM 2024): every modality attends to every modality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.bounds import check_counts, check_positive, check_shares
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.nn.dropout import Dropout
from crossspace.nn.fusion.softmax_gate import SoftmaxGate
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.standardise import Standardise
from crossspace.nn.transformer import TransformerLayer
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy, UnimodalCrossEntropy
from crossspace.objectives.distillation import Distillation
from crossspace.output import Output


class SDT(Model):
    """Transformers within and across modalities, gates over both, and self-distillation to every modality alone.

    Every modality is projected to a common width and given position and speaker. For every pair (source, target) one
    Transformer layer lets the target attend to the source; a gate ``Z * sigmoid(W Z)`` weighs its result. Per target
    the results are joined, its own first, and mapped to one vector; a softmax over the modalities, per feature, fuses
    these. Three objectives, summed: cross-entropy of the fused prediction and of every modality, and the divergence
    of every modality from the fused prediction. Train it with the balancer ``fixed``.

    Args:
        task: labels, modalities and speakers.
        width: d of all inner representations.
        heads: attention heads, a divisor of ``width``.
        dropout: everywhere but at the inputs.
        gate: ``learned`` has a matrix per pair (released for IEMOCAP); ``identity`` is ``Z * sigmoid(Z)`` (for MELD).
        standardise: scale features by mean and deviation of the training split; the released code does not.
        temperature: of the distillation, without a factor T^2.
        detach_teacher: keep the distillation from moving the fused prediction; the released code does not.
        causal: attend to the utterance itself and those before it only, as a stream needs it.
        hold_unused: also hold, frozen, what the released code holds and never uses: a layer norm per pair, and the
            identity matrices of ``gate="identity"``. Nothing changes but the number of parameters, which is then the
            released one.

    Note:
        Mended: the released divergence is NaN on current PyTorch as soon as a batch has padding (here there is no
        padding); whether source and target are the same is a matter of names, where the released code compares
        values on the device; conversations may have any length, and speakers any number. A missing modality is
        nobody's key, has no part in the fusion and no loss; the released code knows none. The extra row of the
        speaker table, padding there, serves speakers beyond those told apart.
    """

    name = "sdt"
    citation = (
        "Ma et al., A Transformer-Based Model With Self-Distillation for Multimodal Emotion Recognition in "
        "Conversations, IEEE Transactions on Multimedia 26, 2024, doi:10.1109/TMM.2023.3271019"
    )
    fillable = True

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 1024,
        heads: int = 8,
        dropout: float = 0.5,
        gate: Literal["learned", "identity"] = "learned",
        standardise: bool = False,
        temperature: float = 1.0,
        detach_teacher: bool = False,
        causal: bool = False,
        hold_unused: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(most=None, width=width)
        check_shares(dropout=dropout)
        check_positive(temperature=temperature)
        if gate not in ("learned", "identity"):
            raise UsageError(f"`gate` should be 'learned' or 'identity'. Found {gate!r}.")
        names = task.modalities
        self.temperature, self.detach_teacher, self.causal = temperature, detach_teacher, causal
        self.standardise = Standardise(task.widths) if standardise else None
        self.projection = nn.ModuleDict({m: Linear(d, width, bias=False) for m, d in task.widths.items()})
        self.speaker = nn.Embedding(task.speaker_slots, width)
        self.position = SinusoidalPosition(width)
        self.dropout = Dropout(dropout)
        self.pairs = {m: [m, *(n for n in names if n != m)] for m in names}
        self.encoder = self._of_pairs(lambda: TransformerLayer(width, heads, dropout, attention_norm=False))
        self.gate = self._of_pairs(lambda: Linear(width, width, bias=False)) if gate == "learned" else None
        self.integration = nn.ModuleDict({m: Linear(len(names) * width, width) for m in names})
        self.fusion = SoftmaxGate(width, names, width)
        classes = len(task.labels)
        self.unimodal = nn.ModuleDict(
            {m: nn.Sequential(nn.ReLU(), Dropout(dropout), Linear(width, classes)) for m in names}
        )
        self.classifier = Linear(width, classes)
        self.unused = _unused(len(names) ** 2, width, matrices=gate == "identity") if hold_unused else None

    def _of_pairs(self, make: Callable[[], nn.Module]) -> nn.ModuleDict:
        """One module for every pair, by target and source."""
        return nn.ModuleDict({m: nn.ModuleDict({n: make() for n in s}) for m, s in self.pairs.items()})

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, d) of every modality, zero where it is missing."""
        present = {m: batch.presence(m) for m in self.task.modalities}
        layout = batch.layout.past if self.causal else batch.layout
        rows = self._enriched(batch, present, layout)
        attended = {}
        for m, sources in self.pairs.items():
            gated = [self._attended(m, n, rows, present[n], layout) for n in sources]
            attended[m] = only(self.integration[m](torch.cat(gated, dim=1)), present[m])
        return attended

    def _enriched(self, batch: Batch, present: Mapping[str, Tensor | None], layout: Layout) -> dict[str, Tensor]:
        context = self.position(layout.positions, layout.longest)
        context = context + self.speaker(batch.speakers)
        rows = {}
        for m, projection in self.projection.items():
            features = self.scaled(batch, m)
            rows[m] = only(projection(only(features, present[m])) + context, present[m])
        return rows

    def _attended(
        self, target: str, source: str, rows: Mapping[str, Tensor], visible: Tensor | None, layout: Layout
    ) -> Tensor:
        """What ``target`` learns from ``source``, gated."""
        own = self.dropout(rows[target])
        other = None if source == target else self.dropout(rows[source])
        context = self.encoder[target][source](own, layout, visible, other)  # type: ignore[index]
        if self.gate is None:
            return F.silu(context)
        return context * torch.sigmoid(self.gate[target][source](context))  # type: ignore[index]

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Fused and unimodal logits."""
        present = {m: mask for m in self.task.modalities if (mask := batch.presence(m)) is not None}
        fused = self.fusion(representation, present)
        unimodal = {m: head(representation[m]) for m, head in self.unimodal.items()}
        return Output(self.classifier(fused), unimodal, representation)

    def objectives(self) -> list[Objective]:
        """Fused and unimodal cross-entropies, and distillation."""
        return [CrossEntropy(), UnimodalCrossEntropy(), Distillation(self.temperature, self.detach_teacher)]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the fusion."""
        return self.parameters_but(self.fusion, self.unimodal, self.classifier)


def _unused(pairs: int, width: int, matrices: bool) -> nn.ParameterList:
    """Frozen parameters that nothing reads: weight and bias of a norm per pair, and identity matrices."""
    shapes = [torch.ones(width), torch.zeros(width)] * pairs + ([torch.eye(width)] * pairs if matrices else [])
    return nn.ParameterList(nn.Parameter(value.clone(), requires_grad=False) for value in shapes)
