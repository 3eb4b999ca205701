"""What every encoder of context is: rows and their layout in, as many rows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from crossspace.batching.layout import Layout


class Encoder(nn.Module, ABC):
    """Base of all encoders of context.

    A subclass is one file of ``crossspace/nn/encoders``. Its constructor takes ``width`` and, where it needs them, what
    else the model knows: ``heads`` of attention, ``dropout``, and whether it is ``causal`` (the layout says so too).
    All its other arguments have types and defaults and are its options. With a ``name`` it appears by itself in
    ``crossspace list`` and wherever a model lets its encoder be chosen.

    Attributes:
        name: how users call the encoder.
        citation: the paper it comes from.
        fillable: as of a :class:`~crossspace.models.base.Model`.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    fillable: ClassVar[bool] = False

    @abstractmethod
    def forward(self, rows: Tensor, layout: Layout, visible: Tensor | None = None) -> Tensor:
        """(N, width) rows to as many; rows that are not ``visible`` (N,) influence no other row."""
