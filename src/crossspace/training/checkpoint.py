"""The state from which a training goes on, bit for bit, after it was interrupted."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crossspace.reading import reading
from crossspace.runtime import replacing
from crossspace.training.options import SECONDS

CHECKPOINT = "checkpoint.pt"


class Checkpoints:
    """Writes the state of a training now and then, while the training goes on.

    Args:
        folder: of the training.
        seconds: between two of them; 0 writes one after every step.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder, self.seconds = folder, seconds
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._written: Future[None] | None = None
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Whether another one should be written."""
        return time.monotonic() - self._last >= self.seconds

    def save(self, state: Mapping[str, Any], before: Callable[[], None] = lambda: None) -> None:
        """Write ``state`` as it is now, after what is to stand before it.

        Args:
            state: tensors and plain values; it may change as soon as this returns.
            before: writes files that the state speaks of.

        Raises:
            WritingError: this one or the one before could not be written.
        """
        self.wait()
        taken = snapshot(state)

        def write() -> None:
            before()
            save_checkpoint(self.folder, taken)

        self._written = self._writer.submit(write)
        self._last = time.monotonic()

    def wait(self) -> None:
        """Wait for what is being written.

        Raises:
            WritingError: it could not be.
        """
        written, self._written = self._written, None
        if written is not None:
            written.result()

    def close(self) -> None:
        """The same, and write none any more."""
        try:
            self.wait()
        finally:
            self._writer.shutdown()


def snapshot(value: Any) -> Any:
    """Nested mappings and lists with tensors of their own, which a training that goes on does not change."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {name: snapshot(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(snapshot, value))
    return value


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write ``state`` (tensors and plain values) to ``folder``, whole or not at all."""
    content = io.BytesIO()  # a full disk is then an error of writing, not one of PyTorch's
    torch.save(state, content)
    with replacing(folder / CHECKPOINT) as temporary:
        temporary.write_bytes(content.getbuffer())


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state in ``folder``, or None when there is none yet. Nothing but tensors and plain values is loaded.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    advice = f"Remove the folder {folder} and resume: this seed starts again, finished seeds stay."
    with reading(path, "the state of a training", advice):
        # On the host first: the devices of the interrupted training may not be there.
        return torch.load(path, weights_only=True, map_location="cpu")
