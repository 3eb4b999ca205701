"""The objectives of CSS, L1 to L3 (paper, equations 11 to 13)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from crossspace.errors import UsageError, suggestion
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy, UnimodalCrossEntropy
from crossspace.objectives.distillation import Distillation
from crossspace.parts import Part, PartSpec

OBJECTIVES = ("fused", "unimodal", "distillation")


class Losses:
    """Which objectives CSS is trained with, and their settings.

    Args:
        use: which of them, out of ``fused`` (L1), ``unimodal`` (L2) and ``distillation`` (L3).
        temperature: T of the distillation.
        detach_teacher: stop the gradient of the distillation at the fused prediction; the released code does not.
        smoothing: label smoothing of both cross-entropies.
    """

    def __init__(
        self,
        use: Sequence[str] = OBJECTIVES,
        temperature: float = 1.0,
        detach_teacher: bool = True,
        smoothing: float = 0.0,
    ) -> None:
        for loss in use:
            if loss not in OBJECTIVES:
                raise UsageError(f"Unknown objective {loss!r} in `losses.use`. {suggestion(loss, OBJECTIVES)}")
        if not use or len(set(use)) < len(use):
            raise UsageError(f"`losses.use` should name one objective or more, each once. Found {list(use)}.")
        if not 0 < temperature < math.inf or not 0 <= smoothing < 1:
            raise UsageError(
                "`losses.temperature` should be a number above 0 and `losses.smoothing` at least 0 and below 1. Found "
                f"{temperature} and {smoothing}."
            )
        self.use = tuple(use)
        self.temperature, self.detach_teacher, self.smoothing = temperature, detach_teacher, smoothing

    def objectives(self) -> list[Objective]:
        """Those in use, in the order of the paper."""
        chosen: dict[str, Objective] = {
            "fused": CrossEntropy(self.smoothing),
            "unimodal": UnimodalCrossEntropy(self.smoothing),
            "distillation": Distillation(self.temperature, self.detach_teacher),
        }
        return [chosen[name] for name in OBJECTIVES if name in self.use]


LOSSES = Part("losses", {"": Losses})
LossesSpec = Annotated[PartSpec, LOSSES]
