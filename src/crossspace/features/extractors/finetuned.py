"""An encoder that was trained on for emotions, by ``crossspace finetune``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import Missing, TextExtractor
from crossspace.features.text.passages import Passage

if TYPE_CHECKING:
    from crossspace.features.text.finetuned.encoding import Vectors

_MENDED = "`crossspace finetune` makes one, and the same command goes on with one that was interrupted."


class FineTuned(TextExtractor):
    """Texts through an encoder that ``crossspace finetune`` trained, with the turns around them where it reads any.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``.

    Raises:
        UsageError: there is no such output or encoder.
        DataError: the folder holds no fine-tuned encoder, or not the one that was written.
        MissingExtraError: the library of the network is not installed.
    """

    name = "finetuned"
    licence = "that of the network, and of what it was trained on"
    argument = "model"
    batch = 512

    def __init__(
        self,
        model: str,
        output: Literal["states", "logits", "both"] = "states",
        encoder: Literal["all", "folds"] = "all",
    ) -> None:
        from crossspace.features.text.finetuned.encoding import Encoder
        from crossspace.features.text.finetuned.settings import OUTPUTS

        if output not in OUTPUTS:
            raise UsageError(f"'output' of finetuned should be {', '.join(OUTPUTS)}. Found {output!r}.")
        self._encoders = [Encoder(folder) for folder in encoder_folders(Path(model), encoder)]
        self._output, self._name, first = output, encoder, self._encoders[0]
        settings, classes = first.saved.settings, len(first.saved.labels)
        self.earlier, self.later, self.limit = settings.context_turns, settings.later_turns, first.limit
        self.width = {"states": first.width, "logits": classes, "both": first.width + classes}[output]
        self.version = _together([one.digest for one in self._encoders])
        self.parameters = {"model": first.saved.name, "output": output, "encoder": encoder}

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return self._encoders[0].is_overlong(text)

    def has_seen(self, conversation: Conversation) -> bool:
        """Whether it was trained on the labels of a conversation."""
        return any(one.has_seen(conversation) for one in self._encoders)

    def encoder_of(self, conversation: Conversation) -> tuple[str, bool]:
        """Its name, and whether it was trained on the labels of a conversation."""
        return self._name, self.has_seen(conversation)

    def extract(self, items: Sequence[str | Passage]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per passage, or per text where it reads no turns around it."""
        passages = [item if isinstance(item, Passage) else Passage(item, "") for item in items]
        return [Missing("no word that is known") if v is None else self.chosen(v) for v in self.vectors(passages)]

    def vectors(self, passages: Sequence[Passage]) -> list[Vectors | None]:
        """States and logits of each passage, the mean over its encoders; ``None`` where nothing of it is known."""
        by_encoder = [one.encode(passages) for one in self._encoders]
        if len(by_encoder) == 1:
            return by_encoder[0]
        return [_mean([v for v in row if v is not None]) for row in zip(*by_encoder, strict=True)]

    def chosen(self, vectors: Vectors) -> np.ndarray:
        """Of states and logits, what is wanted."""
        states, logits = vectors
        return np.concatenate({"states": [states], "logits": [logits], "both": [states, logits]}[self._output])


def encoder_folders(folder: Path, encoder: str) -> list[Path]:
    """The folders of the encoders that a fine-tuning stands for.

    Raises:
        UsageError: there is no such kind.
        DataError: there is none.
    """
    from crossspace.features.text.finetuned.saved import ENCODER, SavedEncoder
    from crossspace.features.text.finetuned.settings import ALL, FOLDS

    if encoder not in (ALL, FOLDS):
        raise UsageError(f"'encoder' of finetuned should be {ALL} or {FOLDS}. Found {encoder!r}.")
    if (folder / ENCODER).is_file():
        return [folder]
    pattern = f"{ALL}/{ENCODER}" if encoder == ALL else f"fold-*/{ENCODER}"
    seeds = [seed for seed in (folder, *sorted(folder.glob("seed-*"))) if any(seed.glob(pattern))]
    if not seeds:
        raise DataError(f"{folder} should be a fine-tuned encoder ({encoder}). Found none; {_MENDED}")
    found = {seed: [path.parent for path in sorted(seed.glob(pattern))] for seed in seeds}

    def score(seed: Path) -> float:
        scores = [float(SavedEncoder.read(one).best["score"]) for one in found[seed]]
        return sum(scores) / len(scores)

    return found[max(seeds, key=score)]


def _together(digests: Sequence[str]) -> str:
    if len(digests) == 1:
        return digests[0]
    return f"sha256:{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:16]}"


def _mean(vectors: Sequence[Vectors]) -> Vectors | None:
    if not vectors:
        return None
    states, logits = (np.stack([v[i] for v in vectors]).mean(0, dtype=np.float64) for i in (0, 1))
    return states.astype(np.float32), logits.astype(np.float32)
