"""A conversation that is predicted while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from crossspace.batching import Batch, collate
from crossspace.batching.memory import Memory
from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import UsageError
from crossspace.inference.infer import Inference, infer
from crossspace.inference.utterance_records import coalitions, utterance_records
from crossspace.inference.whole import read_whole
from crossspace.models.base import Model


@dataclass
class Past:
    """What a stream knows of the utterances so far.

    Attributes:
        memory: of a causal model.
        passage: the last utterances, for a model that reads them again.
        speakers: their indices in the order in which they first spoke.
        met: the modalities there have been.
        count: of the utterances.
    """

    memory: Memory = field(default_factory=Memory)
    passage: list[Utterance] = field(default_factory=list)
    speakers: dict[str, int] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    count: int = 0

    def copy(self) -> Past:
        """The same as it is now; see :meth:`Memory.copy`."""
        return Past(self.memory.copy(), self.passage, dict(self.speakers), set(self.met), self.count)

    def meet(self, utterance: Utterance) -> None:
        """Take note of the modalities of the next utterance."""
        self.met |= {m for m, values in utterance.features.items() if values is not None}


class Stream:
    """Predicts each utterance of one conversation when it comes, from it and those before.

    A causal model reads every utterance once and remembers what it needs of it: the records are those of a pass over
    the whole. Any other model reads the last ``window`` utterances again with each new one; the record is the
    last of that passage, whose speakers keep the numbers that they have in the whole conversation. An utterance whose
    push ends in an error has left no trace.

    Args:
        model: in evaluation mode. Streams may share it, also across threads; a stream itself has one user at a time.
        contributions: give ``contributions``. A causal model then reads the utterance once for every subset of its
            modalities, and remembers as often.
        window: utterances that a model which is not causal reads again, the new one included.

    Raises:
        UsageError: ``window`` is less than one.
    """

    def __init__(self, model: Model, *, contributions: bool = True, window: int = 100) -> None:
        if window < 1:
            raise UsageError(f"`window` should be at least 1. Found {window}.")
        self.model, self.window = model.eval(), window
        self._names = model.task.modalities if contributions else ()
        names = coalitions(model.task.modalities)
        # The last one is the full coalition, whose probabilities are the prediction.
        self._coalitions = names if contributions else names[-1:]
        self.reset()

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

    @property
    def causal(self) -> bool:
        """Whether the model reads every utterance once; otherwise it reads the window again."""
        return self.model.causal

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
            return self._read_on(utterances) if self.causal else [self._read_again(u) for u in utterances]
        # Whatever it was, an interrupt included: half an utterance must not stay in the memory.
        except BaseException:
            self.rewind(before)
            raise

    def _read_again(self, utterance: Utterance) -> dict[str, Any]:
        past = self._past
        past.passage = [*past.passage, utterance][-self.window :]
        past.count += 1
        past.meet(utterance)
        # In the order of the whole conversation, before the passage asks for the same numbers.
        self.model.task.speaker_indices([utterance.speaker], past.speakers)
        speakers = self.model.task.speaker_indices([u.speaker for u in past.passage], past.speakers)
        passage = Conversation("stream", tuple(past.passage))
        record = read_whole(self.model, passage, bool(self._names), speakers)[-1]
        known = [m for m in self._names if m in past.met]
        return {**record, "contributions": {m: record["contributions"].get(m, 0.0) for m in known}}

    def _read_on(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        inference = infer(self.model, [self._batch(utterances)])
        self._past.memory.seen += len(utterances)
        self._past.count += len(utterances)
        # A modality that comes late contributes from then on; earlier records do not name it.
        named = []
        for utterance in utterances:
            self._past.meet(utterance)
            named.append([m for m in self._names if m in self._past.met])
        said = {coalition: _part(inference, i, len(utterances)) for i, coalition in enumerate(self._coalitions)}
        return utterance_records([u.id for u in utterances], self.model.task.labels, said, named)

    def _batch(self, utterances: Sequence[Utterance]) -> Batch:
        """The utterances once per coalition, each as a conversation of its own, with what is kept of those before."""
        task, times = self.model.task, len(self._coalitions)
        one = collate([Conversation("stream", tuple(utterances)).without_labels()], task)
        speakers = torch.tensor(task.speaker_indices([u.speaker for u in utterances], self._past.speakers))
        return Batch(
            features={m: x.repeat(times, 1) for m, x in one.features.items()},
            present={
                m: torch.cat([p & (m in coalition) for coalition in self._coalitions]) for m, p in one.present.items()
            },
            lengths=torch.full((times,), len(one)),
            speakers=speakers.repeat(times),
            labels=one.labels.repeat(times),
            # The memory holds one state per coalition, in the order in which they are repeated here.
            memory=self._past.memory,
        )


def _part(inference: Inference, index: int, count: int) -> Inference:
    rows = slice(index * count, (index + 1) * count)
    return Inference(inference.probabilities[rows], {m: alone[rows] for m, alone in inference.unimodal.items()})
