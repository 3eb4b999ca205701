"""The state from which a training goes on, bit for bit, after it was interrupted."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from crossspace.reading import reading
from crossspace.runtime import replacing

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
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
