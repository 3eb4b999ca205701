"""The reference procedure: what the paper's released code does in a step, written plainly, to measure against.

It runs the network of a :class:`~crossspace.models.css.CSS` in the released variant, with that model's own parameters,
over zero-padded batches: the same function, so that what the benchmark compares is procedure alone. It is meant to be
honest: every operation is PyTorch's usual one, and nothing is made slower than the procedure itself makes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.models.css import CSS
from crossspace.nn.attention import SelfAttention
from crossspace.nn.transformer import TransformerLayer

RELEASED = {
    "share_speaker": False,
    "interaction": {"gate": "scalar", "project_sources": True, "residual": True, "shared": True},
    "branch_gates": True,
    "fusion": {"residual": True, "root": "released", "gelu": "tanh"},
    "unimodal_head": "mlp",
    "losses": {"detach_teacher": False},
}
"""The arguments of CSS under which it is the released network."""


@dataclass(frozen=True, eq=False)
class PaddedBatch:
    """B conversations, each padded with zeros to the longest, T.

    Attributes:
        features: ``{modality: (B, T, D)}``.
        mask: (B, T) bool, True at utterances.
        speakers: (B, T).
        labels: (B, T), 0 in the padding, where the mask keeps them out.
    """

    features: dict[str, Tensor]
    mask: Tensor
    speakers: Tensor
    labels: Tensor

    @classmethod
    def of(cls, batch: Batch) -> PaddedBatch:
        """The same conversations, padded."""
        lengths = batch.lengths.tolist()

        def pad(rows: Tensor) -> Tensor:
            return nn.utils.rnn.pad_sequence(list(rows.split(lengths)), batch_first=True)

        mask = pad(torch.ones(len(batch), dtype=torch.bool))
        return cls({m: pad(x) for m, x in batch.features.items()}, mask, pad(batch.speakers), pad(batch.labels))


@dataclass(frozen=True, eq=False)
class PaddedOutput:
    """Logits (B, T, C), fused and ``{modality: logits}``."""

    logits: Tensor
    unimodal: dict[str, Tensor]


class ReferenceNetwork(nn.Module):
    """The released network over padded batches.

    Args:
        model: a CSS built with :data:`RELEASED`, whose parameters are used.
    """

    def __init__(self, model: CSS) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: PaddedBatch) -> PaddedOutput:
        """Logits for every place of the batch, padding included."""
        model = self.model
        inputs = {m: _linear(model.projection[m], x) for m, x in batch.features.items()}
        length = batch.mask.shape[1]
        context = model.position(torch.arange(length), length) + model.speaker(batch.speakers)
        own = {m: self._modality_aware(m, self._drop(x + context), batch.mask) for m, x in inputs.items()}
        others = self._interaction_aware({m: self._drop(x + context) for m, x in inputs.items()}, batch.mask)
        rows = {}
        for m in inputs:
            branches = _gate(own[m], model.encoder_gate[m]), _gate(others[m], model.interaction_gate[m])
            rows[m] = _linear(model.integration[m], torch.cat(branches, dim=-1))
        unimodal = {m: _linear(head[-1], self._drop(F.relu(rows[m]))) for m, head in model.unimodal.items()}
        return PaddedOutput(_linear(model.classifier, self._fuse(list(rows.values()))), unimodal)

    def _drop(self, rows: Tensor) -> Tensor:
        return F.dropout(rows, self.model.dropout.p, self.training)

    def _modality_aware(self, modality: str, rows: Tensor, mask: Tensor) -> Tensor:
        for layer in self.model.encoder[modality].layers:
            rows = self._layer(layer, rows, mask)
        return rows

    def _layer(self, layer: TransformerLayer, rows: Tensor, mask: Tensor) -> Tensor:
        part: SelfAttention = layer.attention
        normed = layer.attention_norm(rows)
        query, key, value = (_linear(linear, normed) for linear in (part.query, part.key, part.value))
        rows = rows + self._drop(_linear(part.output, self._attend(query, key, value, mask, part.heads)))
        inner = self._drop(F.gelu(_linear(layer.inner, layer.norm(rows)), approximate="tanh"))
        return rows + self._drop(_linear(layer.outer, inner))

    def _interaction_aware(self, rows: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        part = self.model.interaction.attention["all"]
        result = {}
        for m in rows:
            first, second = (rows[n] for n in rows if n != m)
            query = _linear(part.query, rows[m])
            key_gate = torch.sigmoid(_linear(part.key_gate.linear, query))
            value_gate = torch.sigmoid(_linear(part.value_gate.linear, query))
            key = key_gate * _linear(part.key[0], first) + (1 - key_gate) * _linear(part.key[1], second)
            value = value_gate * _linear(part.value[0], first) + (1 - value_gate) * _linear(part.value[1], second)
            context = self._attend(query, key, value, mask, part.heads)
            result[m] = part.norm(_linear(part.output, context) + query)
        return result

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, heads: int) -> Tensor:
        query, key, value = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(~mask[:, None, None, :], -1e10)
        weights = self._drop(torch.softmax(scores, dim=-1))
        return (weights @ value).transpose(1, 2).flatten(2)

    def _fuse(self, rows: list[Tensor]) -> Tensor:
        part = self.model.fusion
        order, rank = part.anchor.shape
        gates = torch.sigmoid(part.gate_logit)
        total = part.anchor
        for index, row in enumerate(rows):
            projected = F.linear(row, part.projection[index].flatten(0, 1)).unflatten(-1, (order, rank))
            total = total + gates[:, index].unsqueeze(1) * F.gelu(projected, approximate="tanh")
        product = total.prod(dim=-2)
        root = torch.sign(product) * torch.sqrt(product.abs() + part.eps)
        return _linear(part.output, root) + _linear(part.residual, torch.cat(rows, dim=-1))


def _linear(layer: nn.Linear, rows: Tensor) -> Tensor:
    """PyTorch's own linear map; the library's layers choose another kernel for it."""
    return F.linear(rows, layer.weight, layer.bias)


def _gate(branch: Tensor, gate: nn.Linear) -> Tensor:
    return branch * torch.sigmoid(_linear(gate, branch))


def reference_losses(output: PaddedOutput, batch: PaddedBatch) -> list[Tensor]:
    """L1, L2, L3: means over utterances of what is computed for every place of the padded batch."""
    count = batch.mask.sum()
    fused = torch.log_softmax(output.logits, dim=-1)
    unimodal = [torch.log_softmax(x, dim=-1) for x in output.unimodal.values()]

    def likelihood(log_probabilities: Tensor) -> Tensor:
        chosen = -log_probabilities.gather(2, batch.labels.unsqueeze(2)).squeeze(2)
        return (chosen * batch.mask).sum() / count

    def divergence(log_probabilities: Tensor) -> Tensor:
        each = F.kl_div(log_probabilities, fused, reduction="none", log_target=True).sum(-1)
        return (each * batch.mask).sum() / count

    return [
        likelihood(fused),
        torch.stack([likelihood(x) for x in unimodal]).sum(),
        torch.stack([divergence(x) for x in unimodal]).sum(),
    ]


def task_gradients(losses: Sequence[Tensor], shared: Sequence[nn.Parameter]) -> list[Tensor]:
    """One long vector per loss, by one pass each over the retained graph."""
    passes = (torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses)
    return [torch.cat([g.reshape(-1) for g in gradients]) for gradients in passes]


def solved_weights(gradients: Sequence[Tensor]) -> np.ndarray:
    """gamma by SciPy's SLSQP, on the host, for unit gradients."""
    unit = torch.stack([g / (g.norm() + 1e-8) for g in gradients])
    cosines = (unit @ unit.T).cpu().numpy()
    count = len(gradients)
    found = minimize(
        lambda gamma: 0.5 * gamma @ cosines @ gamma,
        np.full(count, 1 / count),
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints=[{"type": "eq", "fun": lambda gamma: gamma.sum() - 1.0}],
    )
    return found.x


class ReferenceStep:
    """Training and evaluation as the released code goes about them.

    Args:
        model: a CSS built with :data:`RELEASED`.
        learning_rate, weight_decay: of PyTorch's Adam as it is by default.
    """

    def __init__(self, model: CSS, learning_rate: float = 1e-4, weight_decay: float = 1e-5) -> None:
        self.network = ReferenceNetwork(model)
        self.shared = model.shared_parameters()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)

    def train(self, batch: PaddedBatch) -> np.ndarray:
        """Gradients of every loss, gamma, then a backward pass of the weighted sum and an update; returns gamma."""
        self.network.train()
        self.optimizer.zero_grad()
        losses = reference_losses(self.network(batch), batch)
        gamma = solved_weights(task_gradients(losses, self.shared))
        total = torch.stack([loss * weight for loss, weight in zip(losses, gamma.tolist(), strict=True)]).sum()
        total.backward()
        self.optimizer.step()
        return gamma

    def evaluate(self, batch: PaddedBatch) -> Tensor:
        """Fused logits (B, T, C); losses, gradients and gamma are computed on the way, as the released code does."""
        self.network.eval()
        output = self.network(batch)
        solved_weights(task_gradients(reference_losses(output, batch), self.shared))
        return output.logits.detach()
