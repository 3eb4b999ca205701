"""Tensor fusion (TFN): every product that holds each modality at most once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from crossspace.errors import UsageError
from crossspace.nn.fusion.base import Fusion, reset_linear_, with_constant
from crossspace.nn.linear import Linear

MOST_PRODUCTS = 1_000_000
"""Entries of the outer product, per utterance, from which the operator is refused."""


class TensorFusion(Fusion):
    """Map the outer product of all modalities, each with a constant, linearly (Zadeh et al.).

    ``Z = [1; h^(1)] (x) ... (x) [1; h^(M)]``, flattened with the last modality running fastest, and the result is
    ``W Z + b``. For M modalities of width d and a result of width O it has ``(d + 1)^M O + O`` parameters: no more
    than a few dozen features per modality are affordable.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result.

    Attributes:
        output: the one linear map, of ``(width + 1) ** M`` inputs.

    Raises:
        UsageError: the outer product would have more than a million entries.

    Note:
        The paper puts two layers with ReLU and dropout behind the product; here one linear map ends every operator.
        A missing modality contributes its constant alone, so that the products of the others remain.
    """

    name = "tensor"
    citation = "Zadeh et al., Tensor Fusion Network for Multimodal Sentiment Analysis, EMNLP 2017"

    def __init__(self, width: int, modalities: Sequence[str], out_width: int) -> None:
        super().__init__(width, modalities, out_width)
        products = (width + 1) ** len(self.modalities)
        if products > MOST_PRODUCTS:
            raise UsageError(
                f"Tensor fusion multiplies out at most {MOST_PRODUCTS:,} products. Found (width + 1) ** modalities = "
                f"({width} + 1) ** {len(self.modalities)} = {products:,}. Fuse at a smaller width: set `inner_width` "
                "to a number, or to 'budget'."
            )
        self.output = Linear(products, out_width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """A matrix that preserves variance, as products of independent features of unit variance have, zero bias."""
        reset_linear_(self.output)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """Multiply one modality after the other into the product, then map it."""
        product = with_constant(rows[0])
        for row in rows[1:]:
            product = (product.unsqueeze(2) * with_constant(row).unsqueeze(1)).flatten(1)
        return self.output(product)
