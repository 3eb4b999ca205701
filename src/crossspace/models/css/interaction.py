"""Interaction-aware encoding: each modality queries a gated mixture of the others (paper, equations 3 to 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, cast

import torch
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.errors import UsageError
from crossspace.nn.attention import attend, check_heads
from crossspace.nn.linear import Linear
from crossspace.parts import Part, PartSpec

Gate = Literal["vector", "scalar"]


class VectorGate(nn.Module):
    """``g^(n) = sigmoid(W^(n) q + b^(n))``, one matrix per source modality n (equation 3).

    Args:
        width: d of query and gates.
        modalities: names of all modalities; each may be a source.
    """

    def __init__(self, width: int, modalities: Sequence[str]) -> None:
        super().__init__()
        self.linear = nn.ModuleDict({m: Linear(width, width) for m in modalities})

    def forward(self, query: Tensor, sources: Sequence[str], present: Sequence[Tensor | None]) -> list[Tensor]:
        """(N, d) query to one (N, d) gate per source, zero where the source is missing."""
        gates = [torch.sigmoid(self.linear[n](query)) for n in sources]
        return [g if here is None else g * here.unsqueeze(1) for g, here in zip(gates, present, strict=True)]


class ScalarGate(nn.Module):
    """Weights that sum to one over the source modalities, from the query, as in the released code.

    With two sources this is ``g`` and ``1 - g`` with ``g = sigmoid(w q + b)``; in general a softmax whose last
    logit is zero. Missing sources share nothing.

    Args:
        width: d of the query.
        sources: how many modalities there are besides the one that asks.
    """

    def __init__(self, width: int, sources: int) -> None:
        super().__init__()
        self.linear = Linear(width, sources - 1) if sources > 1 else None

    def forward(self, query: Tensor, sources: Sequence[str], present: Sequence[Tensor | None]) -> list[Tensor]:
        """(N, d) query to one (N, 1) weight per source."""
        logits = query.new_zeros(len(query), len(sources))
        if self.linear is not None:
            logits = torch.cat([self.linear(query), logits[:, -1:].to(query.dtype)], dim=1)
        if any(here is not None for here in present):
            seen = torch.stack([_everywhere(query) if here is None else here for here in present], dim=1)
            weights = torch.softmax(logits.masked_fill(~seen, -1e4), dim=1) * seen
        else:
            weights = torch.softmax(logits, dim=1)
        return list(weights.split(1, dim=1))


def _everywhere(rows: Tensor) -> Tensor:
    return torch.ones(len(rows), dtype=torch.bool, device=rows.device)


class InteractionAttention(nn.Module):
    """Attention from one modality to a gated mixture of the others.

    Args:
        width, heads, dropout: as in any multi-head attention.
        modalities: names of all modalities, at least two.
        gate: ``vector`` (the paper): one gate vector per source, from the query before projection, for keys and values
            alike. ``scalar`` (released code): weights that sum to one, from the projected query, separately for keys
            and for values.
        project_sources: project every source by its own linear map before mixing (released code) instead of
            projecting the mixture.
        residual: ``LayerNorm(linear(context) + projected query)`` (released code) instead of ``linear(context)``.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        modalities: Sequence[str],
        gate: Gate,
        project_sources: bool,
        residual: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        if gate not in ("vector", "scalar"):
            raise UsageError(f"`gate` should be 'vector' or 'scalar'. Found {gate!r}.")
        self.heads, self.dropout = heads, dropout
        self.modalities = tuple(modalities)
        self.project_sources = project_sources
        count = len(self.modalities) - 1
        maps = count if project_sources else 1
        self.query = Linear(width, width)
        self.key = nn.ModuleList(Linear(width, width) for _ in range(maps))
        self.value = nn.ModuleList(Linear(width, width) for _ in range(maps))
        self.output = Linear(width, width)
        self.norm = nn.LayerNorm(width) if residual else None
        self.key_gate = ScalarGate(width, count) if gate == "scalar" else None
        self.value_gate = ScalarGate(width, count) if gate == "scalar" else None

    def sources_of(self, modality: str) -> list[str]:
        """The modalities that ``modality`` attends to, in order."""
        return [m for m in self.modalities if m != modality]

    def project(self, rows: Mapping[str, Tensor], asking: Sequence[str]) -> dict[tuple[str, int, str], Tensor]:
        """Every projection of a source that the query of one ``asking`` needs, each computed once."""
        projected: dict[tuple[str, int, str], Tensor] = {}
        if self.project_sources:
            for modality in asking:
                for slot, source in enumerate(self.sources_of(modality)):
                    for kind, maps in (("key", self.key), ("value", self.value)):
                        if (kind, slot, source) not in projected:
                            projected[kind, slot, source] = maps[slot](rows[source])
        return projected

    def forward(
        self,
        modality: str,
        rows: Mapping[str, Tensor],
        present: Mapping[str, Tensor | None],
        projected: Mapping[tuple[str, int, str], Tensor],
        layout: Layout,
        vector_gate: VectorGate | None = None,
    ) -> Tensor:
        """(N, d) what ``modality`` learns from the others.

        Args:
            modality: the one that asks.
            rows: ``{m: (N, d)}``, zero where missing.
            present: ``{m: (N,)}`` bool, or None where the modality is complete.
            projected: the result of :meth:`project` on ``rows``.
            layout: the conversations.
            vector_gate: the gates of equation 3; without them the scalar gates of this module are used.
        """
        sources = self.sources_of(modality)
        here = [present[n] for n in sources]
        query = self.query(rows[modality])
        if vector_gate is not None:
            key_gates = value_gates = vector_gate(rows[modality], sources, here)
        else:
            assert self.key_gate is not None and self.value_gate is not None
            key_gates, value_gates = self.key_gate(query, sources, here), self.value_gate(query, sources, here)
        if self.project_sources:
            key = _mix(key_gates, [projected["key", slot, n] for slot, n in enumerate(sources)])
            value = _mix(value_gates, [projected["value", slot, n] for slot, n in enumerate(sources)])
        else:
            key = self.key[0](_mix(key_gates, [rows[n] for n in sources]))
            value = self.value[0](_mix(value_gates, [rows[n] for n in sources]))
        visible = None if any(p is None for p in here) else torch.stack([p for p in here if p is not None]).any(0)
        dropout = self.dropout if self.training else 0.0
        context = self.output(
            attend(query, key, value, layout, self.heads, visible=visible, dropout=dropout, owner=(self, modality))
        )
        return context if self.norm is None else self.norm(context + query)


def _mix(gates: Sequence[Tensor], sources: Sequence[Tensor]) -> Tensor:
    mixed = gates[0] * sources[0]
    for gate, source in zip(gates[1:], sources[1:], strict=True):
        mixed = torch.addcmul(mixed, gate, source)
    return mixed


class InteractionEncoder(nn.Module):
    """:class:`InteractionAttention` for every modality.

    Args:
        width, heads, dropout: as in any multi-head attention.
        modalities: names of all modalities, at least two.
        gate: ``vector`` (the paper), one gate vector per source, or ``scalar`` (*released*), weights that sum to one.
        project_sources: project sources before they are mixed (*released*) instead of the mixture.
        residual: add the projected query and normalise (*released*).
        shared: one attention for all queries (*released*) instead of one per modality. The vector gates of equation 3
            are indexed by the source alone, hence common to all queries either way.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        modalities: Sequence[str],
        gate: Gate = "vector",
        project_sources: bool = False,
        residual: bool = False,
        shared: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        names = ["all"] if shared else list(self.modalities)
        self.attention = nn.ModuleDict(
            {m: InteractionAttention(width, heads, modalities, gate, project_sources, residual, dropout) for m in names}
        )
        self.vector_gate = VectorGate(width, self.modalities) if gate == "vector" else None
        self.shared = shared

    def forward(
        self, rows: Mapping[str, Tensor], present: Mapping[str, Tensor | None], layout: Layout
    ) -> dict[str, Tensor]:
        """``{m: (N, d)}``, zero where missing, to ``{m: (N, d)}``."""
        asked = {m: "all" if self.shared else m for m in rows}
        projected = {
            name: cast(InteractionAttention, attention).project(rows, [m for m in rows if asked[m] == name])
            for name, attention in self.attention.items()
        }
        return {
            m: self.attention[name](m, rows, present, projected[name], layout, self.vector_gate)
            for m, name in asked.items()
        }


INTERACTION = Part(
    "interaction", {"": InteractionEncoder}, given=frozenset({"width", "heads", "modalities", "dropout"})
)
InteractionSpec = Annotated[PartSpec, INTERACTION]
