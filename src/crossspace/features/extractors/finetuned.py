"""An encoder that was trained on for emotions, by ``crossspace finetune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import Missing, TextExtractor
from crossspace.features.finetuning.passages import Passage

ALL = "all"
"""The encoder that was trained on all training conversations, beside those of the folds."""


class FineTuned(TextExtractor):
    """Texts through an encoder that ``crossspace finetune`` trained, with the turns around them where it reads any.

    Args:
        model: the folder of an encoder, of a seed, or of the whole fine-tuning: the seed that is best in validation.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.

    Raises:
        UsageError: there is no such output.
        DataError: the folder holds no fine-tuned encoder, or not the one that was written.
        MissingExtraError: the library of the network is not installed.
    """

    name = "finetuned"
    licence = "that of the network, and of what it was trained on"
    argument = "model"
    batch = 512

    def __init__(self, model: str, output: Literal["states", "logits", "both"] = "states") -> None:
        if output not in ("states", "logits", "both"):
            raise UsageError(f"'output' of finetuned should be states, logits or both. Found {output!r}.")
        from crossspace.features.finetuning.encoding import Encoder

        folder = encoder_folder(Path(model))
        self._encoder, self._output = Encoder.read(folder), output
        saved = self._encoder.saved
        self.earlier, self.later = saved.settings.context_turns, saved.settings.later_turns
        self.limit, self.version = self._encoder.limit, self._encoder.digest
        classes = len(saved.labels)
        self.width = {"states": self._encoder.width, "logits": classes, "both": self._encoder.width + classes}[output]
        self.parameters = {"model": folder.resolve().name, "output": output}

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return self._encoder.is_overlong(text)

    def extract(self, items: Sequence[Passage]) -> list[np.ndarray | Missing]:  # type: ignore[override]
        """One vector ``(D,)`` per passage."""
        found: list[np.ndarray | Missing] = []
        for states, logits in self._encoder.encode(items):
            parts = {"states": [states], "logits": [logits], "both": [states, logits]}[self._output]
            found.append(np.concatenate(parts))
        return found


def encoder_folder(folder: Path) -> Path:
    """The folder of the encoder that a fine-tuning stands for.

    Raises:
        DataError: there is none.
    """
    from crossspace.features.finetuning.saved import ENCODER, SavedEncoder

    if (folder / ENCODER).is_file():
        return folder
    if (folder / ALL / ENCODER).is_file():
        return folder / ALL
    seeds = [seed / ALL for seed in sorted(folder.glob("seed-*")) if (seed / ALL / ENCODER).is_file()]
    if not seeds:
        raise DataError(
            f"{folder} should be a fine-tuned encoder. Found none; `crossspace finetune` makes one, and one that was "
            "interrupted is gone on with by the same command."
        )
    return max(seeds, key=lambda seed: SavedEncoder.read(seed).best["score"])
