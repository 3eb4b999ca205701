"""Encoders that were trained on for emotions, by ``crossspace finetune``."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.errors import DataError, UsageError
from crossspace.features.extractors.base import AudioExtractor, Extractor, Missing, TextExtractor, VisualExtractor
from crossspace.features.text.passages import Passage

if TYPE_CHECKING:
    from crossspace.features.finetuned.encoder import Encoder, Vectors
    from crossspace.features.text.graph import ExportableText

_MENDED = "`crossspace finetune` makes one, and the same command goes on with one that was interrupted."


class FineTuned(Extractor[Any]):
    """What the extractors of this file share: one encoder, or several whose mean is taken.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``; or that
            over the ``seeds`` of those of all training conversations.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.

    Raises:
        UsageError: there is no such output or encoder.
        DataError: the folder holds no fine-tuned encoder, or not the one that was written.
        MissingExtraError: the library of the network is not installed.
    """

    name = "finetuned"
    licence = "that of the network, and of what it was trained on"
    argument = "model"

    def __init__(
        self,
        model: str | None,
        output: Literal["states", "logits", "both"] = "states",
        encoder: Literal["all", "folds", "seeds"] = "all",
        base: str | None = None,
    ) -> None:
        from crossspace.features.finetuned.settings import OUTPUTS

        if output not in OUTPUTS:
            raise UsageError(f"'output' of finetuned should be {', '.join(OUTPUTS)}. Found {output!r}.")
        kind = self._kind()
        self._encoders = [kind(folder, base) for folder in encoder_folders(_folder(model), encoder)]
        self._output, self._encoder, first = output, encoder, self._encoders[0]
        classes = len(first.saved.labels)
        self.width = {"states": first.width, "logits": classes, "both": first.width + classes}[output]
        self.version = _together([one.digest for one in self._encoders])
        named = {} if model is None else {"model": first.saved.name}
        self.parameters = {**named, "output": output, "encoder": encoder}

    @staticmethod
    @abstractmethod
    def _kind() -> type[Encoder]:
        """Of its encoders."""

    def encoder_of(self, conversation: Conversation) -> tuple[str, bool]:
        """Its name, and whether it was trained on the labels of a conversation."""
        return self._encoder, any(one.saved.has_seen(conversation) for one in self._encoders)

    def vectors(self, items: Sequence[Any]) -> list[Vectors | None]:
        """States and logits of each item, the mean over the encoders; ``None`` where there is nothing to read."""
        by_encoder = [one.encode(items) for one in self._encoders]
        if len(by_encoder) == 1:
            return by_encoder[0]
        return [_mean([v for v in row if v is not None]) for row in zip(*by_encoder, strict=True)]

    def chosen(self, vectors: Vectors) -> np.ndarray:
        """Of states and logits, what is wanted."""
        states, logits = vectors
        return np.concatenate({"states": [states], "logits": [logits], "both": [states, logits]}[self._output])

    def extract(self, items: Sequence[Any]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per item, or the reason why there is none."""
        found = zip(items, self.vectors(items), strict=True)
        return [self._lacking(item) if v is None else self.chosen(v) for item, v in found]

    @abstractmethod
    def _lacking(self, item: Any) -> Missing:
        """Why there is nothing to read in an item."""


class FineTunedText(FineTuned, TextExtractor):
    """Texts through an encoder that ``crossspace finetune`` trained, with the turns around them where it reads any.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder; the
            encoder of the model in the box if none.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``; or that
            over the ``seeds`` of those of all training conversations.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.
    """

    batch = 512

    def __init__(
        self,
        model: str | None = None,
        output: Literal["states", "logits", "both"] = "states",
        encoder: Literal["all", "folds", "seeds"] = "all",
        base: str | None = None,
    ) -> None:
        super().__init__(model, output, encoder, base)
        first = self._encoders[0]
        self.earlier, self.later = first.saved.settings.context_turns, first.saved.settings.later_turns
        self.limit = first.limit

    @staticmethod
    def _kind() -> type[Encoder]:
        from crossspace.features.finetuned.text import TextEncoder

        return TextEncoder

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        return self._encoders[0].is_overlong(text)  # type: ignore[attr-defined]

    def exportable(self) -> ExportableText:
        """Its encoders, the mean over them and what is wanted of it as one graph."""
        from crossspace.features.finetuned.text import exportable

        return exportable(self._encoders, self._output)  # type: ignore[arg-type]

    def vectors(self, items: Sequence[str | Passage]) -> list[Vectors | None]:
        """The same of passages, or of texts where it reads no turns around them."""
        return super().vectors([item if isinstance(item, Passage) else Passage(item, "") for item in items])

    def _lacking(self, item: str | Passage) -> Missing:
        return Missing("no word that is known")


class FineTunedAudio(FineTuned, AudioExtractor):
    """Speech through an encoder that ``crossspace finetune --modality audio`` trained.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``; or that
            over the ``seeds`` of those of all training conversations.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.
    """

    batch = 8

    @staticmethod
    def _kind() -> type[Encoder]:
        from crossspace.features.finetuned.spans import AudioEncoder

        return AudioEncoder

    def _lacking(self, item: np.ndarray) -> Missing:
        from crossspace.features.voice.usable import unusable

        return unusable(np.asarray(item, dtype=np.float32)) or Missing("the network gave values that are not finite")


class FineTunedVisual(FineTuned, VisualExtractor):
    """Faces through an encoder that ``crossspace finetune --modality visual`` trained.

    Args:
        model: the folder of a fine-tuning (its seed that is best in validation), of a seed, or of a single encoder.
        output: ``states`` is what the classifier sees, ``logits`` what it says, ``both`` one behind the other.
        encoder: of a seed, the one of ``all`` training conversations, or the mean of those of the ``folds``; or that
            over the ``seeds`` of those of all training conversations.
        base: the network that it was trained from, ``transformers:MODEL``, where that does not lie where it did.
    """

    @staticmethod
    def _kind() -> type[Encoder]:
        from crossspace.features.finetuned.spans import VisualEncoder

        return VisualEncoder

    def _lacking(self, item: Sequence[np.ndarray]) -> Missing:
        return Missing("the network gave values that are not finite" if len(item) else "no face found")


def _folder(model: str | None) -> Path:
    from crossspace.pretrained import ENCODER

    return ENCODER if model is None else Path(model)


def encoder_folders(folder: Path, encoder: str) -> list[Path]:
    """The folders of the encoders that a fine-tuning stands for.

    Raises:
        UsageError: there is no such kind.
        DataError: there is none.
    """
    from crossspace.features.finetuned.saved import ENCODER, SavedEncoder
    from crossspace.features.finetuned.settings import ALL, FOLDS, SEEDS

    if encoder not in (ALL, FOLDS, SEEDS):
        raise UsageError(f"'encoder' of finetuned should be {ALL}, {FOLDS} or {SEEDS}. Found {encoder!r}.")
    if (folder / ENCODER).is_file():
        return [folder]
    if encoder == SEEDS and (every := sorted(path.parent for path in folder.glob(f"seed-*/{ALL}/{ENCODER}"))):
        return every
    pattern = f"fold-*/{ENCODER}" if encoder == FOLDS else f"{ALL}/{ENCODER}"
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
