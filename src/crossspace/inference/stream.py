"""A conversation that is predicted while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from crossspace.batching import Batch, collate
from crossspace.batching.memory import Memory
from crossspace.data.conversation import Conversation, Utterance
from crossspace.inference.infer import Inference, infer
from crossspace.inference.streaming import Past, Streaming
from crossspace.inference.utterance_records import coalitions, utterance_records
from crossspace.inference.whole import read_whole
from crossspace.models.base import Model


class Stream(Streaming):
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
        self.model = model.eval()
        names = coalitions(model.task.modalities)
        # The last one is the full coalition, whose probabilities are the prediction.
        self._coalitions = names if contributions else names[-1:]
        super().__init__(model.task, contributions, window)

    @property
    def causal(self) -> bool:
        """Whether the model reads every utterance once; otherwise it reads the window again."""
        return self.model.causal

    def reset(self) -> None:
        """Forget everything: the next utterance begins a conversation."""
        self._past = Past(Memory())

    def _read(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        return self._read_on(utterances) if self.causal else super()._read(utterances)

    def _records(self, passage: Conversation, speakers: Sequence[int]) -> list[dict[str, Any]]:
        return read_whole(self.model, passage, bool(self._names), speakers)

    def _read_on(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        memory = self._past.memory
        assert memory is not None  # causal
        inference = infer(self.model, [self._batch(utterances, memory)])
        memory.seen += len(utterances)
        self._past.count += len(utterances)
        # A modality that comes late contributes from then on; earlier records do not name it.
        named = []
        for utterance in utterances:
            self._past.meet(utterance)
            named.append([m for m in self._names if m in self._past.met])
        said = {coalition: _part(inference, i, len(utterances)) for i, coalition in enumerate(self._coalitions)}
        return utterance_records([u.id for u in utterances], self.model.task.labels, said, named)

    def _batch(self, utterances: Sequence[Utterance], memory: Memory) -> Batch:
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
            memory=memory,
        )


def _part(inference: Inference, index: int, count: int) -> Inference:
    rows = slice(index * count, (index + 1) * count)
    return Inference(inference.probabilities[rows], {m: alone[rows] for m, alone in inference.unimodal.items()})
