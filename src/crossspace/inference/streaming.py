"""A conversation that is predicted while it goes on, whatever predicts it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError

if TYPE_CHECKING:
    from crossspace.batching.memory import Memory


@dataclass
class Past:
    """What a stream knows of the utterances so far.

    Attributes:
        memory: of a model that reads every utterance once.
        passage: the last utterances, for a model that reads them again.
        speakers: their indices in the order in which they first spoke.
        met: the modalities there have been.
        count: of the utterances.
    """

    memory: Memory | None = None
    passage: list[Utterance] = field(default_factory=list)
    speakers: dict[str, int] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    count: int = 0

    def copy(self) -> Past:
        """The same as it is now; see :meth:`Memory.copy`."""
        memory = None if self.memory is None else self.memory.copy()
        return Past(memory, self.passage, dict(self.speakers), set(self.met), self.count)

    def meet(self, utterance: Utterance) -> None:
        """Take note of the modalities of the next utterance."""
        self.met |= {m for m, values in utterance.features.items() if values is not None}


class Streaming(ABC):
    """Predicts each utterance when it comes: the last ``window`` are read again, and the record of the last is given.

    Args:
        task: of the model.
        contributions: give ``contributions``.
        window: utterances that are read again, the new one included.

    Raises:
        UsageError: ``window`` is less than one.
    """

    def __init__(self, task: TaskSpec, contributions: bool, window: int) -> None:
        if window < 1:
            raise UsageError(f"`window` should be at least 1. Found {window}.")
        self.task, self.window = task, window
        self._names = task.modalities if contributions else ()
        self.reset()

    @property
    def causal(self) -> bool:
        """Whether the model reads every utterance once; otherwise it reads the window again."""
        return False

    def reset(self) -> None:
        """Forget everything: the next utterance begins a conversation."""
        self._past = Past()

    def mark(self) -> Past:
        """Where the conversation is now, to be given to :meth:`rewind`."""
        return self._past.copy()

    def rewind(self, past: Past) -> None:
        """Go back to a mark of this stream: what was pushed since has left no trace, and older marks hold no more."""
        self._past = past.copy()

    def __len__(self) -> int:
        """Utterances so far."""
        return self._past.count

    def push(self, utterance: Utterance) -> dict[str, Any]:
        """The record of the next utterance, with the keys of :meth:`Predictor.predict`.

        ``contributions`` names the modalities that the conversation has had so far.

        Raises:
            MismatchError: the features do not have the widths of the model; the utterance is then not taken in.
        """
        return self.extend([utterance])[0]

    def extend(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        """The records of several utterances, the same as if each were pushed, and sooner."""
        if not utterances:
            return []
        before = self.mark()
        try:
            return self._read(utterances)
        # Whatever it was, an interrupt included: half an utterance must not stay in the memory.
        except BaseException:
            self.rewind(before)
            raise

    def _read(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        return [self._read_again(utterance) for utterance in utterances]

    def _read_again(self, utterance: Utterance) -> dict[str, Any]:
        past = self._past
        past.passage = [*past.passage, utterance][-self.window :]
        past.count += 1
        past.meet(utterance)
        # In the order of the whole conversation, before the passage asks for the same numbers.
        self.task.speaker_indices([utterance.speaker], past.speakers)
        speakers = self.task.speaker_indices([u.speaker for u in past.passage], past.speakers)
        record = self._records(Conversation("stream", tuple(past.passage)), speakers)[-1]
        known = [m for m in self._names if m in past.met]
        return {**record, "contributions": {m: record["contributions"].get(m, 0.0) for m in known}}

    @abstractmethod
    def _records(self, passage: Conversation, speakers: Sequence[int]) -> list[dict[str, Any]]:
        """Of a passage as a whole, with contributions where there are ``_names``.

        Args:
            passage: the last utterances.
            speakers: indices of the speaker of each, as numbered in the whole conversation.
        """
