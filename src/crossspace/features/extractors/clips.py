"""What is heard and seen itself, kept in files: what ``crossspace finetune`` trains encoders of sound and faces on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.data.seen import CLIPS
from crossspace.features.extractors.base import AudioExtractor, Extractor, Missing, VisualExtractor


class Clips(Extractor[Any]):
    """What is heard or seen in each utterance in a file of its own.

    The feature is the address of the file, three numbers that say nothing of emotions; the files are called by their
    content, so that nothing is written twice.

    Args:
        folder: for the files; kept beside the corpus it is found by itself.
    """

    name = CLIPS
    licence = "that of the recordings"
    argument = "folder"
    # The cache would give addresses of files that are gone.
    cached = False
    width = 3
    version = "1"

    def __init__(self, folder: str) -> None:
        self._folder, self.parameters = Path(folder), {"folder": Path(folder).resolve().name}

    def extract(self, items: Sequence[Any]) -> list[np.ndarray | Missing]:
        """One address ``(3,)`` per item, or the reason why there is nothing to keep."""
        from crossspace.features.finetuned.clips import keep

        found = [self._kept(item) for item in items]
        return [item if isinstance(item, Missing) else keep(item, self._folder) for item in found]

    @abstractmethod
    def _kept(self, item: Any) -> np.ndarray | Missing:
        """What is kept of an item."""


class AudioClips(Clips, AudioExtractor):
    """The sound of each utterance in a file of its own, for ``crossspace finetune --modality audio``.

    The feature is the address of the file, three numbers that say nothing of emotions; the files are called by their
    content, so that nothing is written twice.

    Args:
        folder: for the files; kept beside the corpus it is found by itself.
    """

    def _kept(self, item: np.ndarray) -> np.ndarray | Missing:
        from crossspace.features.voice.usable import unusable

        samples = np.asarray(item, dtype=np.float32)
        return unusable(samples) or samples


class VisualClips(Clips, VisualExtractor):
    """The faces of each utterance in a file of its own, for ``crossspace finetune --modality visual``.

    The feature is the address of the file, three numbers that say nothing of emotions; the files are called by their
    content, so that nothing is written twice.

    Args:
        folder: for the files; kept beside the corpus it is found by itself.
    """

    def _kept(self, item: Sequence[np.ndarray]) -> np.ndarray | Missing:
        return np.stack(item) if len(item) else Missing("no face found")
