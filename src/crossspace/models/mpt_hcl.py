"""MPT-HCL (Zou et al., ACM MM 2023), reconstructed: prompts from voice and face in a Transformer over the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Block, Layout
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.leading import leading_modality
from crossspace.nn.attention import check_heads
from crossspace.nn.dropout import Dropout
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.graph import conversation_means, spread
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.ragged import map_blocks
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.contrastive import SupervisedContrast, ViewContrast
from crossspace.output import Output

Prompt = Literal["conversation", "utterance", "pooled"]
VIEW = "view"
"""Name of the second view of the rows that are classified."""


class FeatureFilter(nn.Module):
    """What of a weak modality is worth a place in the prompt: ``sigmoid(G [u ; h] + c) * tanh(F u)``, ``u = W x + b``.

    Args:
        features: D of the modality.
        width: d.
        guided: let the gate see the rows h of the leading modality too.
    """

    def __init__(self, features: int, width: int, guided: bool) -> None:
        super().__init__()
        self.projection = Linear(features, width)
        self.gate = Linear(2 * width if guided else width, width)
        self.content = Linear(width, width, bias=False)
        self.guided = guided

    def forward(self, features: Tensor, leading: Tensor) -> Tensor:
        """(N, D) features and (N, d) rows of the leading modality to (N, d)."""
        rows = self.projection(features)
        seen = torch.cat([rows, leading], dim=1) if self.guided else rows
        return torch.sigmoid(self.gate(seen)) * torch.tanh(self.content(rows))


class PromptLayer(nn.Module):
    """A Transformer layer with the norm after each half, whose attention also has keys and values from a prompt.

    Args:
        width: d of the rows.
        heads: attention heads.
        prompt_width: of the rows the prompt is made from; 0 for none.
        dropout: on the results of both halves.
        prompt: whom a row may look at among the prompts: those of its ``conversation``, that of its own
            ``utterance``, or a single one ``pooled`` over the conversation.
    """

    def __init__(self, width: int, heads: int, prompt_width: int, dropout: float, prompt: Prompt) -> None:
        super().__init__()
        self.heads, self.kind = heads, prompt
        self.rows = Linear(width, 3 * width)
        self.prompt = Linear(prompt_width, 2 * width) if prompt_width else None
        self.output = Linear(width, width)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = Linear(width, 4 * width), Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(
        self, rows: Tensor, prompts: Tensor | None, layout: Layout, visible: Tensor, prompted: Tensor
    ) -> Tensor:
        """(N, d) rows to (N, d).

        Args:
            rows: of the leading modality.
            prompts: (N, prompt_width) what prompts are made from.
            layout: the conversations.
            visible: (N,) bool, rows that serve as keys.
            prompted: (N,) bool, rows that have a prompt.
        """
        query, key, value = self.rows(rows).chunk(3, dim=1)
        prompt = () if self.prompt is None else self.prompt(prompts).chunk(2, dim=1)
        attended = map_blocks(self._attend, layout, query, key, value, visible, prompted, *prompt)
        rows = self.attention_norm(rows + self.dropout(self.output(attended)))
        return self.norm(rows + self.dropout(self.outer(F.gelu(self.inner(rows)))))

    def _attend(
        self,
        block: Block,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        visible: Tensor,
        prompted: Tensor,
        *prompt: Tensor,
    ) -> Tensor:
        mask = (visible & block.valid)[:, None, :].expand(-1, query.shape[1], -1)
        if prompt:
            key, value = torch.cat([prompt[0], key], dim=1), torch.cat([prompt[1], value], dim=1)
            mask = torch.cat([self._prompt_mask(prompted & block.valid), mask], dim=2)
        reached = mask.any(2, keepdim=True)
        q, k, v = (x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))
        # A row that reaches nothing would become NaN: it looks everywhere, and what it sees is thrown away.
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=(mask | ~reached).unsqueeze(1))
        return torch.where(reached, context.transpose(1, 2).flatten(2), 0.0)

    def _prompt_mask(self, prompted: Tensor) -> Tensor:
        """(b, t, t) which prompt each row looks at."""
        count = prompted.shape[1]
        mask = prompted[:, None, :].expand(-1, count, -1)
        if self.kind == "conversation":
            return mask
        places = torch.arange(count, device=prompted.device)
        if self.kind == "utterance":
            return mask & (places[:, None] == places)
        # Every row that has a prompt has the same one: the first of them stands for all.
        return mask & (places == prompted.int().argmax(1, keepdim=True))[:, None, :]


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
        check_heads(width, heads)
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
        features = {
            m: only(x if self.standardise is None else self.standardise(m, x), present[m])
            for m, x in batch.features.items()
        }
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

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything but the classifier."""
        apart = {id(p) for p in self.classifier.parameters()}
        return [p for p in self.parameters() if id(p) not in apart]
