"""A small model with all that a model may hand on to training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.nn.batch_norm import BatchNorm
from crossspace.nn.missing import only
from crossspace.objectives.base import Objective, Part
from crossspace.objectives.classification import CrossEntropy, UnimodalCrossEntropy
from crossspace.objectives.contrastive import SupervisedContrast
from crossspace.objectives.modulation import DominantModality, Modulation
from crossspace.output import Output

WIDTH = 5


class Mean(Objective):
    """The mean over the rows of an extra."""

    def __init__(self, name: str) -> None:
        self.name = name

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        rows = output.extras[self.name]
        return {self.name: Part(rows.sum(), rows.new_full((), len(rows)))}


class Example(Model):
    """Encoders of which objectives read pairs of utterances, whole conversations, and a penalty on parameters."""

    name = "example"
    citation = "nobody"

    def __init__(
        self,
        task: TaskSpec,
        *,
        norm: bool = False,
        contrast: bool = False,
        modulated: bool = False,
        unreached: bool = False,
        dropout: float = 0.0,
        factors: dict[str, float] | None = None,
    ) -> None:
        super().__init__(task)
        self.contrast, self.modulated, self.factors = contrast, modulated, factors or {}
        self.encoders = nn.ModuleDict({m: nn.Linear(d, WIDTH) for m, d in task.widths.items()})
        self.norm = BatchNorm(WIDTH) if norm else None
        self.pair = nn.Linear(WIDTH, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({m: nn.Linear(WIDTH, len(task.labels)) for m in task.widths})
        self.shift, self.classifier = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, len(task.labels))
        self.view = nn.Linear(WIDTH, WIDTH) if contrast or unreached else nn.Identity()

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        rows = {}
        for m, encoder in self.encoders.items():
            hidden = encoder(only(batch.features[m], batch.presence(m)))
            if self.norm is not None:
                hidden = self.norm(hidden, batch.presence(m))
            rows[m] = self.dropout(only(torch.tanh(hidden), batch.presence(m)))
        total, owner = torch.stack(list(rows.values())).sum(0), batch.layout.conversations
        first = torch.nonzero(owner[:-1] == owner[1:]).flatten()
        sums = total.new_zeros(len(batch.lengths), WIDTH).index_add(0, owner, total)
        pairs = torch.tanh(self.pair(total[first] * total[first + 1]))
        return {**rows, "pairs": pairs, "conversations": sums, "first": first}

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        rows = {m: representation[m] for m in self.task.modalities}
        total = self.dropout(torch.stack(list(rows.values())).sum(0))
        turned = (batch.labels[representation["first"]] != batch.labels[representation["first"] + 1]).unsqueeze(1)
        shift = self.shift(representation["pairs"])
        extras = {
            "shift": nn.functional.softplus(torch.where(turned, -shift, shift)),
            "size": representation["conversations"].square().sum(1),
            "penalty": self.classifier.weight.square().sum().reshape(1),
            "context": total,
            "view": self.view(total),
        }
        return Output(self.classifier(total), {m: self.heads[m](x) for m, x in rows.items()}, rows, extras)

    def objectives(self) -> Sequence[Objective]:
        own = [SupervisedContrast("context", "view", 0.5)] if self.contrast else [Mean("size"), Mean("penalty")]
        return [CrossEntropy(), UnimodalCrossEntropy(), Mean("shift"), *own]

    def shared_parameters(self) -> list[nn.Parameter]:
        norm = [] if self.norm is None else list(self.norm.parameters())
        return [*self.encoders.parameters(), *norm, *self.pair.parameters()]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        groups = {f"encoder {m}": list(encoder.parameters()) for m, encoder in self.encoders.items()}
        rest = {name: list(module.parameters()) for name, module in self.named_children() if name != "encoders"}
        return {**groups, **{name: parameters for name, parameters in rest.items() if parameters}}

    def rate_factors(self) -> Mapping[str, float]:
        return self.factors

    def modulation(self) -> Modulation | None:
        groups = {m: f"encoder {m}" for m in self.task.modalities}
        return DominantModality(groups, alpha=0.5, start=1, noise=True) if self.modulated else None
