"""What an encoder is trained on: the labelled utterances of a corpus as it reads them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.errors import DataError, UsageError
from crossspace.features.checkpoint import Checkpoint
from crossspace.features.finetuned.clips import clip_at
from crossspace.features.finetuned.settings import FineTuning
from crossspace.features.finetuned.spans import span_checkpoint
from crossspace.features.finetuned.text import base_checkpoint, reader_of
from crossspace.features.text.passages import Passage, passages
from crossspace.finetuning.network import Emotion, SpanEmotion, TextEmotion, check_adapters


@dataclass(frozen=True)
class Labelled:
    """Utterances with a label.

    Attributes:
        items: what is read of each: tokens or a clip, whose length is its size.
        labels: (N,) indices.
    """

    items: Sequence[Any]
    labels: np.ndarray


class Material(ABC):
    """What is read of utterances, and the network that reads it.

    Args:
        settings: of the training.
    """

    def __init__(self, settings: FineTuning) -> None:
        self.settings = settings

    @abstractmethod
    def checkpoint(self, base: str) -> Checkpoint:
        """The network before it is trained on."""

    @abstractmethod
    def network(self, checkpoint: Checkpoint, classes: int) -> Emotion:
        """The same with a classifier, ready to be trained."""

    @abstractmethod
    def raw(self, conversation: Conversation) -> list[Any]:
        """What an encoder takes of every utterance, ``None`` where there is nothing."""

    def read(self, raw: Sequence[Any], checkpoint: Checkpoint) -> list[Any]:
        """The same as the network takes it while it is trained, ``None`` where it knows nothing of it."""
        return list(raw)

    def labelled(
        self, conversations: Iterable[Conversation], labels: Sequence[str], checkpoint: Checkpoint
    ) -> Labelled:
        """All utterances with a label and something to read.

        Args:
            conversations: of a split.
            labels: names in index order.
            checkpoint: of the network.
        """
        index = {label: i for i, label in enumerate(labels)}
        found = [(item, index[label]) for _, item, label in self.rows(conversations)]
        items = self.read([item for item, _ in found], checkpoint)
        known = [row for row, item in enumerate(items) if item is not None]
        return Labelled([items[row] for row in known], np.array([found[row][1] for row in known], dtype=np.int64))

    def rows(self, conversations: Iterable[Conversation]) -> Iterator[tuple[str, Any, str]]:
        """Conversation, item and label of every utterance that has a label and something to read."""
        for conversation in conversations:
            for item, utterance in zip(self.raw(conversation), conversation.utterances, strict=True):
                if item is not None and utterance.label is not None:
                    yield conversation.id, item, utterance.label

    def check(self, corpus: Corpus, base: str) -> None:
        """Whether there is something to learn from and something to choose by, and a network that can be trained.

        Raises:
            DataError: a split has no utterance with a label and something to read; or there is no such network.
            UsageError: the network has no place for adapters.
            MissingExtraError: a library is not installed.
        """
        for split in ("train", "validation"):
            if next(self.rows(corpus.split(split)), None) is None:
                raise DataError(
                    f"Fine-tuning needs utterances with {self.what} and a label. Found none in the {split} split of "
                    f"corpus {corpus.name!r}; 'crossspace data show' says what it holds."
                )
        check_adapters(self.checkpoint(base), self.settings)

    what = "something to read"


class Texts(Material):
    """Texts, with the turns around them."""

    what = "a text"

    def checkpoint(self, base: str) -> Checkpoint:
        """The network before it is trained on."""
        return base_checkpoint(base, self.settings.layers)

    def network(self, checkpoint: Checkpoint, classes: int) -> Emotion:
        """The same with a classifier, ready to be trained."""
        return TextEmotion(checkpoint, self.settings, classes)

    def raw(self, conversation: Conversation) -> list[Passage | None]:
        """The passage of every utterance; ``None`` where there is no text."""
        turns = [(u.speaker, u.text) for u in conversation.utterances]
        return passages(turns, self.settings.context_turns, self.settings.later_turns)

    def read(self, raw: Sequence[Any], checkpoint: Checkpoint) -> list[Any]:
        """Tokens; ``None`` for a text of nothing but signs that the tokenizer drops."""
        turns = bool(self.settings.context_turns + self.settings.later_turns)
        tokens = reader_of(checkpoint, self.settings.tokens, turns).read(raw)
        return [one if one.begin < one.end else None for one in tokens]


class Clips(Material):
    """Sound or faces that ``crossspace extract`` kept in files.

    Args:
        settings: of the training.
        modality: ``audio`` or ``visual``.
        folder: of the files.

    Raises:
        UsageError: turns around an utterance are wanted, which are texts.
    """

    def __init__(self, settings: FineTuning, modality: str, folder: Path) -> None:
        super().__init__(settings)
        self.modality, self.folder = modality, folder
        self.what = "sound" if modality == "audio" else "a face"
        if settings.context_turns or settings.later_turns:
            raise UsageError(f"Turns around an utterance are read with texts. Leave them out for {modality}.")

    def checkpoint(self, base: str) -> Checkpoint:
        """The network before it is trained on."""
        return span_checkpoint(base, self.modality, self.settings.layers)

    def network(self, checkpoint: Checkpoint, classes: int) -> Emotion:
        """The same with a classifier, ready to be trained."""
        return SpanEmotion(checkpoint, self.settings, classes, self.modality)

    def check(self, corpus: Corpus, base: str) -> None:
        """The same, and whether every clip is there: one that lacks would be noticed when all is trained."""
        super().check(corpus, base)
        for conversation in corpus.split("all"):
            self.raw(conversation)

    def raw(self, conversation: Conversation) -> list[Any]:
        """The clip of every utterance; ``None`` where it has none."""
        found = [u.features.get(self.modality) for u in conversation.utterances]
        return [None if address is None else clip_at(self.folder, address) for address in found]


def material_of(modality: str, corpus: Corpus, path: Path, settings: FineTuning, clips: Path | None) -> Material:
    """What an encoder of a modality reads of a corpus.

    Args:
        modality: ``text``, ``audio`` or ``visual``.
        corpus: from the file ``path``.
        path: beside which the folder of its clips is looked for.
        settings: of the training.
        clips: that folder, where it lies elsewhere.

    Raises:
        UsageError: the corpus has no clips of that modality, or they are not found.
    """
    if modality == "text":
        return Texts(settings)
    made = corpus.extractors.get(modality, {})
    if made.get("name") != "clips":
        raise UsageError(
            f"Fine-tuning for {modality} reads what 'crossspace extract --{modality} clips:FOLDER' kept. The "
            f"{modality} features of corpus {corpus.name!r} were made by {made.get('name', 'nothing that is stated')}. "
            "Extract the recordings so."
        )
    folder = clips or path.parent / str(made.get("parameters", {}).get("folder", ""))
    if not folder.is_dir():
        raise UsageError(
            f"The clips of corpus {corpus.name!r} should be in {folder}. Found no such folder; name it by --clips."
        )
    return Clips(settings, modality, folder)
