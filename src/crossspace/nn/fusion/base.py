"""What every fusion operator is: one representation per modality in, one out, whatever is missing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.errors import UsageError


class Fusion(nn.Module, ABC):
    """Base of all fusion operators.

    A subclass is one file of ``crossspace/nn/fusion``: it takes ``width``, ``modalities``, ``out_width`` and typed
    keyword arguments of its own, and implements :meth:`fuse`. With a ``name`` it appears by itself in ``crossspace
    list``, in the tests of all operators and wherever a model lets its fusion be chosen, with its own arguments as
    options; one without a name, such as a wrapper, is not offered there.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result.

    Attributes:
        name: how users call the operator.
        citation: the paper it comes from.
    """

    name: ClassVar[str]
    citation: ClassVar[str]

    def __init__(self, width: int, modalities: Sequence[str], out_width: int) -> None:
        super().__init__()
        if width < 1 or out_width < 1 or not modalities:
            raise UsageError(
                "Fusion needs width >= 1, out_width >= 1 and at least one modality. "
                f"Found width={width}, out_width={out_width}, modalities={list(modalities)}."
            )
        self.modalities = tuple(modalities)

    def forward(self, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None) -> Tensor:
        """Fuse.

        Args:
            modalities: ``{m: (N, width)}``, every modality of the constructor.
            present: ``{m: (N,)}`` bool; a modality is left out of the rows where it is False. A modality without an
                entry is present everywhere.

        Returns:
            (N, out_width).

        Raises:
            UsageError: a modality was not given.
        """
        rows, here = [], []
        for name in self.modalities:
            if name not in modalities:
                raise UsageError(f"Fusion expects the modalities {list(self.modalities)}. Found {list(modalities)}.")
            row, mask = modalities[name], (present or {}).get(name)
            rows.append(row if mask is None else torch.where(mask.unsqueeze(1), row, 0.0))
            here.append(mask)
        return self.fuse(rows, here)

    @abstractmethod
    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """The operator itself.

        Args:
            rows: per modality (N, width), zero where the modality is missing.
            here: per modality (N,) bool, or None where it is present everywhere. An operator to which zero already
                means "left out" need not look at it.

        Returns:
            (N, out_width).
        """


def with_constant(rows: Tensor) -> Tensor:
    """``[1; h]``: (N, d) to (N, d + 1). A missing modality, being zero, is the constant alone."""
    return F.pad(rows, (1, 0), value=1.0)


def scaled_normal_(matrix: Tensor) -> None:
    """Fill (..., out, in) in place with normal numbers under which unit variance stays unit variance."""
    nn.init.normal_(matrix, std=matrix.shape[-1] ** -0.5)


def reset_linear_(layers: nn.Module) -> None:
    """Start linear layers, one or a list, with matrices that preserve variance and zero biases."""
    for parameter in layers.parameters():
        if parameter.dim() > 1:
            scaled_normal_(parameter)
        else:
            nn.init.zeros_(parameter)
