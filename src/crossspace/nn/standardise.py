"""Features scaled to zero mean and unit variance, as measured on the training split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch

_CLIP = 10.0


class Standardise(nn.Module):
    """``(x - mean) / deviation`` per feature, clipped to +-10; a feature that never varies becomes zero.

    Mean and deviation are buffers: they travel with the weights, so that a prediction scales as training did. Until
    :meth:`fit` is called they are zero and one.

    Args:
        widths: ``{modality: D}``.
    """

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__()
        self.modalities = tuple(widths)
        for modality, width in widths.items():
            self.register_buffer(f"mean_{modality}", torch.zeros(width))
            self.register_buffer(f"scale_{modality}", torch.ones(width))

    def fit(self, batches: Iterable[Batch]) -> None:
        """Measure mean and deviation over all rows in which a modality is present, in float64."""
        sums: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
        for batch in batches:
            for m in self.modalities:
                rows = batch.features[m][batch.present[m]].double()
                new = (torch.tensor(float(len(rows))), rows.sum(0), rows.square().sum(0))
                old = sums.get(m)
                sums[m] = new if old is None else tuple(a + b for a, b in zip(old, new, strict=True))  # type: ignore[assignment]
        for m, (count, first, second) in sums.items():
            mean = first / count.clamp(min=1)
            variance = (second / count.clamp(min=1) - mean.square()).clamp(min=0)
            constant = variance <= 1e-12 * mean.square().clamp(min=1e-12)
            scale = torch.where(constant, 0.0, variance.clamp(min=1e-30).rsqrt())
            getattr(self, f"mean_{m}").copy_(mean)
            getattr(self, f"scale_{m}").copy_(scale)

    def forward(self, modality: str, rows: Tensor) -> Tensor:
        """(N, D) features of ``modality`` to (N, D)."""
        scaled = (rows - getattr(self, f"mean_{modality}")) * getattr(self, f"scale_{modality}")
        return scaled.clamp(-_CLIP, _CLIP)
