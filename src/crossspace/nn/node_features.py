"""What M3NET and HAUCL put into the nodes of their hypergraphs: one vector per utterance and modality."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.errors import UnsuitableError
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.vectors import AveragedVectors


class NodeFeatures(nn.Module):
    """One modality in the context of the conversation and with its speaker, every other one by a linear map alone.

    The leading modality is the mean of its normalised vectors, projected, read by a GRU in both directions, plus a
    vector of the speaker.

    Args:
        widths: features of every modality.
        leading: the one that is read in context.
        vectors: of how many vectors its features consist.
        width: d of the nodes; even.
        slots: speakers that are told apart, the overflow index included.
        layers: of the GRU.
        dropout: between the layers of the GRU.
        project: project the leading modality before the GRU; otherwise its vectors need the width of the nodes.
    """

    def __init__(
        self,
        widths: Mapping[str, int],
        leading: str,
        vectors: int,
        width: int,
        slots: int,
        layers: int = 2,
        dropout: float = 0.0,
        project: bool = True,
    ) -> None:
        super().__init__()
        self.leading = leading
        self.averaged = AveragedVectors(widths[leading], vectors)
        if not project and self.averaged.width != width:
            raise UnsuitableError(
                f"Without a projection the vectors of {leading!r} should have the width of the nodes, {width}. Found "
                f"{self.averaged.width}. Use `width: {self.averaged.width}`, or project them."
            )
        self.projection = nn.ModuleDict({m: Linear(d, width) for m, d in widths.items() if m != leading})
        self.leading_projection = Linear(self.averaged.width, width) if project else None
        self.context = GRUEncoder(width, layers=layers, dropout=dropout)
        self.speaker = nn.Embedding(slots, width)

    def forward(
        self, features: Mapping[str, Tensor], speakers: Tensor, layout: Layout, present: Mapping[str, Tensor | None]
    ) -> dict[str, Tensor]:
        """(N, D) features by modality to (N, d) each, zero where a modality is missing."""
        rows = {}
        for m, values in features.items():
            if m == self.leading:
                spoken = self._read(values, layout, present[m]) + self.speaker(speakers)
                rows[m] = only(spoken, present[m])
            else:
                rows[m] = only(self.projection[m](only(values, present[m])), present[m])
        return rows

    def _read(self, values: Tensor, layout: Layout, present: Tensor | None) -> Tensor:
        """The leading modality in context; the GRU passes over utterances in which it is missing."""
        rows = self.averaged(values, present)
        if self.leading_projection is not None:
            rows = self.leading_projection(rows)
        return self.context(rows, layout, present)
