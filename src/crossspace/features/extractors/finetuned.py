"""Encoders that were trained on for emotions, by ``crossspace finetune``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import AudioExtractor, Missing, TextExtractor, VisualExtractor
from crossspace.features.text.passages import Passage

if TYPE_CHECKING:
    from crossspace.features.finetuned.encoder import Encoder, Vectors

_MENDED = "`crossspace finetune` makes one, and the same command goes on with one that was interrupted."


class FineTuned:
    """What the extractors of this file share: one encoder, or several whose mean is taken.

    Args:
        kind: of its encoders.
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.

    Raises:
        UsageError: there is no such output or encoder.
        DataError: the folder holds no fine-tuned encoder, or not the one that was written.
        MissingExtraError: the library of the network is not installed.
    """

    def __init__(self, kind: type[Encoder], model: str, output: str, encoder: str, base: str | None = None) -> None:
        from crossspace.features.finetuned.settings import OUTPUTS

        if output not in OUTPUTS:
            raise UsageError(f"'output' of finetuned should be {', '.join(OUTPUTS)}. Found {output!r}.")
        self.encoders = [kind(folder, base) for folder in encoder_folders(Path(model), encoder)]
        self._output, self.name, first = output, encoder, self.encoders[0]
        classes = len(first.saved.labels)
        self.width = {"states": first.width, "logits": classes, "both": first.width + classes}[output]
        self.version = _together([one.digest for one in self.encoders])
        self.parameters = {"model": first.saved.name, "output": output, "encoder": encoder}

    def of(self, conversation: Conversation) -> tuple[str, bool]:
        """The name of the encoder, and whether it was trained on the labels of a conversation."""
        return self.name, any(one.saved.has_seen(conversation) for one in self.encoders)

    def vectors(self, items: Sequence[Any]) -> list[Vectors | None]:
        """States and logits of each item, the mean over the encoders; ``None`` where there is nothing to read."""
        by_encoder = [one.encode(items) for one in self.encoders]
        if len(by_encoder) == 1:
            return by_encoder[0]
        return [_mean([v for v in row if v is not None]) for row in zip(*by_encoder, strict=True)]

    def chosen(self, vectors: Vectors) -> np.ndarray:
        """Of states and logits, what is wanted."""
        states, logits = vectors
        return np.concatenate({"states": [states], "logits": [logits], "both": [states, logits]}[self._output])

    def features(self, items: Sequence[Any], reason: str) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per item, or the reason why there is none."""
        return [Missing(reason) if v is None else self.chosen(v) for v in self.vectors(items)]


class FineTunedText(TextExtractor):
    """Texts through an encoder that ``crossspace finetune`` trained, with the turns around them where it reads any.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.
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
        base: str | None = None,
    ) -> None:
        from crossspace.features.finetuned.text import TextEncoder

        self.tuned = FineTuned(TextEncoder, model, output, encoder, base)
        self.width, self.version, self.parameters = self.tuned.width, self.tuned.version, self.tuned.parameters
        settings = self.tuned.encoders[0].saved.settings
        self.earlier, self.later = settings.context_turns, settings.later_turns
        self.limit = self.tuned.encoders[0].limit

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return self.tuned.encoders[0].is_overlong(text)  # type: ignore[attr-defined]

    def encoder_of(self, conversation: Conversation) -> tuple[str, bool]:
        """Its name, and whether it was trained on the labels of a conversation."""
        return self.tuned.of(conversation)

    def extract(self, items: Sequence[str | Passage]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per passage, or per text where it reads no turns around it."""
        passages = [item if isinstance(item, Passage) else Passage(item, "") for item in items]
        return self.tuned.features(passages, "no word that is known")


class FineTunedAudio(AudioExtractor):
    """Speech through an encoder that ``crossspace finetune --modality audio`` trained.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.
    """

    name = "finetuned"
    licence = "that of the network, and of what it was trained on"
    argument = "model"
    batch = 8

    def __init__(
        self,
        model: str,
        output: Literal["states", "logits", "both"] = "states",
        encoder: Literal["all", "folds"] = "all",
        base: str | None = None,
    ) -> None:
        from crossspace.features.finetuned.spans import AudioEncoder

        self.tuned = FineTuned(AudioEncoder, model, output, encoder, base)
        self.width, self.version, self.parameters = self.tuned.width, self.tuned.version, self.tuned.parameters

    def encoder_of(self, conversation: Conversation) -> tuple[str, bool]:
        """Its name, and whether it was trained on the labels of a conversation."""
        return self.tuned.of(conversation)

    def extract(self, items: Sequence[np.ndarray]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per utterance."""
        from crossspace.features.voice.usable import unusable

        found = self.tuned.features(items, "the network gave values that are not finite")
        reasons = [unusable(np.asarray(item, dtype=np.float32)) for item in items]
        return [feature if reason is None else reason for feature, reason in zip(found, reasons, strict=True)]


class FineTunedVisual(VisualExtractor):
    """Faces through an encoder that ``crossspace finetune --modality visual`` trained.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.
    """

    name = "finetuned"
    licence = "that of the network, and of what it was trained on"
    argument = "model"

    def __init__(
        self,
        model: str,
        output: Literal["states", "logits", "both"] = "states",
        encoder: Literal["all", "folds"] = "all",
        base: str | None = None,
    ) -> None:
        from crossspace.features.finetuned.spans import VisualEncoder

        self.tuned = FineTuned(VisualEncoder, model, output, encoder, base)
        self.width, self.version, self.parameters = self.tuned.width, self.tuned.version, self.tuned.parameters

    def encoder_of(self, conversation: Conversation) -> tuple[str, bool]:
        """Its name, and whether it was trained on the labels of a conversation."""
        return self.tuned.of(conversation)

    def extract(self, items: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per face."""
        return self.tuned.features(items, "no face found")


def encoder_folders(folder: Path, encoder: str) -> list[Path]:
    """The folders of the encoders that a fine-tuning stands for.

    Raises:
        UsageError: there is no such kind.
        DataError: there is none.
    """
    from crossspace.features.finetuned.saved import ENCODER, SavedEncoder
    from crossspace.features.finetuned.settings import ALL, FOLDS

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
