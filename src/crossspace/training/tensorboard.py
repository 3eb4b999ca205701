"""The history as TensorBoard scalars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crossspace.runtime import optional_import
from crossspace.training.history import scalars


class TensorBoardSink:
    """Writes losses, weights, norms, cosines and learning rate per step and scores per epoch.

    Args:
        folder: where the event files go.

    Raises:
        MissingExtraError: the extra ``tensorboard`` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        optional_import("tensorboard", extra="tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Write the scalars of ``records``."""
        for record in records:
            for name, value, at in scalars(record):
                self._writer.add_scalar(name, value, at)

    def close(self) -> None:
        """Flush and close the event file."""
        self._writer.close()
