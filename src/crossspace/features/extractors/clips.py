"""What is heard and seen itself, kept in files: what ``crossspace finetune`` trains encoders of sound and faces on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crossspace.features.extractors.base import AudioExtractor, Missing, VisualExtractor


class AudioClips(AudioExtractor):
    """The sound of each utterance in a file of its own, for ``crossspace finetune --modality audio``.

    The feature is the address of the file, three numbers that say nothing of emotions; the files are called by their
    content, so that nothing is written twice.

    Args:
        folder: for the files; kept beside the corpus it is found by itself.
    """

    name = "clips"
    licence = "that of the recordings"
    argument = "folder"
    # The cache would give addresses of files that are gone.
    cached = False
    width = 3
    version = "1"

    def __init__(self, folder: str) -> None:
        self._folder, self.parameters = Path(folder), {"folder": Path(folder).resolve().name}

    def extract(self, items: Sequence[np.ndarray]) -> list[np.ndarray | Missing]:
        """One address ``(3,)`` per utterance."""
        from crossspace.features.finetuned.clips import keep
        from crossspace.features.voice.usable import unusable

        found: list[np.ndarray | Missing] = []
        for item in items:
            samples = np.asarray(item, dtype=np.float32)
            reason = unusable(samples)
            found.append(keep(samples, self._folder) if reason is None else reason)
        return found


class VisualClips(VisualExtractor):
    """The faces of each utterance in a file of its own, for ``crossspace finetune --modality visual``.

    The feature is the address of the file, three numbers that say nothing of emotions; the files are called by their
    content, so that nothing is written twice.

    Args:
        folder: for the files; kept beside the corpus it is found by itself.
    """

    name = "clips"
    licence = "that of the recordings"
    argument = "folder"
    # The cache would give addresses of files that are gone.
    cached = False
    width = 3
    version = "1"

    def __init__(self, folder: str) -> None:
        self._folder, self.parameters = Path(folder), {"folder": Path(folder).resolve().name}

    def extract(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray | Missing]:
        """One address ``(3,)`` per face."""
        from crossspace.features.finetuned.clips import keep

        return [keep(np.stack(item), self._folder) if len(item) else Missing("no face found") for item in items]
