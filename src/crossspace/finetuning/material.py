"""What an encoder of texts is trained on: the labelled passages of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.errors import DataError
from crossspace.features.text.finetuned.settings import FineTuning
from crossspace.features.text.passages import Passage, Reader, Tokens, passages


@dataclass(frozen=True)
class Labelled:
    """Utterances with a label.

    Attributes:
        passages: as tokens.
        labels: (N,) indices.
    """

    passages: Sequence[Tokens]
    labels: np.ndarray


def passages_of(conversation: Conversation, settings: FineTuning) -> list[Passage | None]:
    """The passage of every utterance; ``None`` where there is no text."""
    turns = [(u.speaker, u.text) for u in conversation.utterances]
    return passages(turns, settings.context_turns, settings.later_turns)


def labelled(
    conversations: Sequence[Conversation], labels: Sequence[str], settings: FineTuning, reader: Reader
) -> Labelled:
    """The passages of all utterances with a label and a text that the reader knows.

    Args:
        conversations: of a split.
        labels: names in index order.
        settings: how many turns are read.
        reader: of the network.
    """
    index = {label: i for i, label in enumerate(labels)}
    found: list[Passage] = []
    truth: list[int] = []
    for conversation in conversations:
        for passage, utterance in zip(passages_of(conversation, settings), conversation.utterances, strict=True):
            if passage is not None and utterance.label is not None:
                found.append(passage)
                truth.append(index[utterance.label])
    tokens = reader.read(found)
    # A text of nothing but signs that the tokenizer drops says nothing of its emotion.
    known = [row for row, one in enumerate(tokens) if one.begin < one.end]
    return Labelled([tokens[row] for row in known], np.array([truth[row] for row in known], dtype=np.int64))


def check_texts(corpus: Corpus) -> None:
    """Whether a corpus has something to learn from and something to choose by.

    Raises:
        DataError: no utterance of a split has both a text and a label.
    """
    for split in ("train", "validation"):
        table = corpus.utterances(split)
        both = zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True)
        if not any(text and text.strip() and label is not None for text, label in both):
            raise DataError(
                f"Fine-tuning needs utterances with a text and a label. Found none in the {split} split of corpus "
                f"{corpus.name!r}; 'crossspace data show' says what it holds."
            )
