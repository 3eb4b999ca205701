"""What is kept of conversations that are read piece by piece."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Memory:
    """What the layers of a causal model keep of the utterances that earlier passes have read.

    A batch that carries a memory continues the conversations of the batches before it: as many of them, in the same
    order, each by the same number of utterances. Attention keeps keys and values, a recurrence keeps its state. A
    memory serves one model, in evaluation and without gradients.

    Attributes:
        seen: utterances of each conversation that earlier passes have read; whoever runs the passes counts them.
        kept: ``{layer: what it keeps}``.
    """

    seen: int = 0
    kept: dict[Hashable, Any] = field(default_factory=dict)

    def copy(self) -> Memory:
        """The same as it is now; of the two, one alone may be used for passes, as they share what is long."""
        return Memory(self.seen, {layer: copy.deepcopy(state) for layer, state in self.kept.items()})
