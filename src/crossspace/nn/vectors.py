"""Several vectors of one modality, such as those of four networks that read the same text, made one."""

from __future__ import annotations

from torch import Tensor, nn

from crossspace.errors import UsageError
from crossspace.nn.batch_norm import BatchNorm


class AveragedVectors(nn.Module):
    """Each of V vectors normalised by a batch normalisation of its own, and their mean (M3NET, HAUCL).

    Args:
        width: D, features of an utterance, V vectors side by side.
        vectors: V.

    Attributes:
        width: D / V, of the mean.
    """

    def __init__(self, width: int, vectors: int = 1) -> None:
        super().__init__()
        if vectors < 1 or width % vectors:
            raise UsageError(f"`width` should be divisible by `vectors`. Found width={width}, vectors={vectors}.")
        self.vectors, self.width = vectors, width // vectors
        # Statistics are taken per feature, so that one layer over all vectors is one layer for each of them.
        self.norm = BatchNorm(width)

    def forward(self, rows: Tensor, present: Tensor | None = None) -> Tensor:
        """(N, D) features to (N, D / V), zero where not ``present`` (N,)."""
        return self.norm(rows, present).unflatten(1, (self.vectors, self.width)).mean(1)
