"""MPT-HCL (Zou et al., ACM MM 2023), reconstructed: prompts from voice and face in a Transformer over the text."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_positive, check_shares, check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.leading import leading_modality
from crossspace.models.mpt_hcl.prompt import FeatureFilter, Prompt, PromptLayer
from crossspace.nn.attention import check_heads
from crossspace.nn.dropout import Dropout
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.graph import conversation_means, spread
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.contrastive import SupervisedContrast, ViewContrast
from crossspace.output import Output

VIEW = "view"
"""Name of the second view of the rows that are classified."""


class MPTHCL(Model):
    """Reconstructed: no code of MPT-HCL exists, and of its paper only the abstract could be read.

    Text, as the strong modality, is read by a recurrence and a Transformer. The weak modalities pass filters that see
    the text; what is left becomes keys and values, a prompt, in every layer. In training two passes with dropout of
    their own give two views of every utterance. Three objectives, summed: cross-entropy, the contrast of the two
    views, and the supervised contrast of all of them. Train it with the balancer ``fixed``.

    Args:
        task: labels, modalities and speakers.
        width: d of all rows.
        heads: attention heads, a divisor of ``width``.
        layers: of the Transformer.
        dropout: on both halves of each layer and before the classifier.
        leading: the strong modality; ``text``, or the first of a task without text, when not named.
        guided: let the filters of the weak modalities see the strong one.
        prompt: a row looks at the prompts of its whole ``conversation``, at that of its own ``utterance``, or at one
            ``pooled`` over the conversation.
        filtered_head: classify the rows together with what the filters let through.
        temperature: of both contrasts.
        view_weight: of the contrast of two views; 0 leaves it out.
        label_weight: of the supervised contrast; 0 leaves it out.
        standardise: scale features by mean and deviation of the training split.

    Note:
        Verified from the abstract: prompts from weak modalities take part in every attention layer of a Transformer
        over the text, and an unsupervised and a supervised contrast are added. Everything else, the form of filter,
        prompt and contrast and all sizes and rates, is a design of this project. A difference from the published
        figures in either direction says nothing about the original.

        An utterance without text is a query that knows its place and speaker, and nobody's key; one without any weak
        modality has no prompt; what one of several lacks is left out of the linear map of the prompt.
    """

    name = "mpt-hcl"
    citation = (
        "Zou et al., Multimodal Prompt Transformer with Hybrid Contrastive Learning for Emotion Recognition in "
        "Conversation, ACM Multimedia 2023, doi:10.1145/3581783.3611805 (reconstructed)"
    )

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 256,
        heads: int = 8,
        layers: int = 3,
        dropout: float = 0.3,
        leading: str | None = None,
        guided: bool = True,
        prompt: Prompt = "conversation",
        filtered_head: bool = False,
        temperature: float = 0.1,
        view_weight: float = 0.1,
        label_weight: float = 0.1,
        standardise: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(0, layers=layers)
        check_counts(most=None, width=width)
        check_heads(width, heads)
        check_shares(dropout=dropout)
        check_positive(temperature=temperature)
        check_weights(view_weight=view_weight, label_weight=label_weight)
        if prompt not in ("conversation", "utterance", "pooled"):
            raise UsageError(f"`prompt` should be 'conversation', 'utterance' or 'pooled'. Found {prompt!r}.")
        self.leading = leading_modality(task, leading)
        self.pooled, self.filtered_head, self.temperature = prompt == "pooled", filtered_head, temperature
        self.view_weight, self.label_weight = view_weight, label_weight
        self.standardise = Standardise(task.widths) if standardise else None
        self.projection = Linear(task.widths[self.leading], width)
        self.speaker = nn.Embedding(task.speaker_slots, width)
        self.position = SinusoidalPosition(width)
        self.context = GRUEncoder(width)
        self.context_norm = nn.LayerNorm(width)
        weak = {m: d for m, d in task.widths.items() if m != self.leading}
        self.filters = nn.ModuleDict({m: FeatureFilter(d, width, guided) for m, d in weak.items()})
        self.layers = nn.ModuleList(
            PromptLayer(width, heads, len(weak) * width, dropout, prompt) for _ in range(layers)
        )
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(width * (1 + len(weak) * filtered_head), len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, d) of every modality; in training also the leading one's second ``view``."""
        present = {m: batch.presence(m) for m in self.task.modalities}
        begun, filtered = self._begun(batch, present)
        rows = {self.leading: self._read(begun, filtered, batch, present), **filtered}
        if self.training and (self.view_weight or self.label_weight):
            rows[VIEW] = self._read(begun, filtered, batch, present)
        return rows

    def _begun(self, batch: Batch, present: Mapping[str, Tensor | None]) -> tuple[Tensor, dict[str, Tensor]]:
        """The rows before the Transformer, and what the filters let through; nothing here is random."""
        features = {m: only(self.scaled(batch, m), p) for m, p in present.items()}
        layout, here = batch.layout, present[self.leading]
        rows = only(self.projection(features[self.leading]), here)
        rows = rows + self.speaker(batch.speakers) + self.position(layout.positions, layout.longest)
        rows = self.context_norm(rows + self.context(rows, layout, here))
        filtered = {m: only(f(features[m], only(rows, here)), present[m]) for m, f in self.filters.items()}
        return rows, {m: filtered[m] for m in self.task.modalities if m in filtered}

    def _read(
        self, rows: Tensor, filtered: Mapping[str, Tensor], batch: Batch, present: Mapping[str, Tensor | None]
    ) -> Tensor:
        everywhere = torch.ones(len(batch), dtype=torch.bool, device=rows.device)
        visible = {m: everywhere if p is None else p for m, p in present.items()}
        prompts, prompted = None, ~everywhere
        if filtered:
            prompts = torch.cat(list(filtered.values()), dim=1)
            prompted = torch.stack([visible[m] for m in filtered]).any(0)
            if self.pooled:
                prompts = spread(conversation_means(prompts, batch.layout, prompted), batch.layout)
        for layer in self.layers:
            rows = layer(rows, prompts, batch.layout, visible[self.leading], prompted)
        return rows

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits, and both views of the rows they come from."""
        rows = {m: representation[m] for m in self.task.modalities}
        weak = [rows[m] for m in self.filters] if self.filtered_head else []
        seen = torch.cat([rows[self.leading], *weak], dim=1)
        # Outside of training both passes would be the same.
        other = torch.cat([representation.get(VIEW, rows[self.leading]), *weak], dim=1)
        return Output(self.classifier(self.dropout(seen)), {}, rows, {"rows": seen, VIEW: other})

    def objectives(self) -> list[Objective]:
        """Cross-entropy, the contrast of the two views, and that of labels over both."""
        objectives: list[Objective] = [CrossEntropy()]
        if self.view_weight:
            objectives.append(
                ViewContrast("rows", VIEW, None, self.temperature, "first", "other", weight=self.view_weight)
            )
        if self.label_weight:
            objectives.append(SupervisedContrast("rows", VIEW, self.temperature, self.label_weight))
        return objectives

    def numbers_per_pair(self) -> float:
        """In every layer of both passes who looks at whose text and prompt; and similarities, where labels contrast."""
        passes = 2.0 if self.view_weight or self.label_weight else 1.0
        return passes * len(self.layers) * (2.0 if self.filters else 1.0) + (6.0 if self.label_weight else 0.0)

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything but the classifier."""
        return self.parameters_but(self.classifier)
