"""A conversation that is predicted while it goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import torch

from crossspace.data.batch import Batch, collate
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.memory import Memory
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.inference import Inference, infer
from crossspace.models.records import coalitions, read_whole, records


class Stream:
    """Predicts each utterance of one conversation when it comes, from it and those before.

    A causal model reads every utterance once and remembers what it needs of it: the records are those of a pass over
    the whole. Any other model reads the last ``window`` utterances again with each new one; the record is the
    last of that passage.

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
        self._coalitions = names if contributions else names[-1:]
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next utterance begins a conversation."""
        self._memory = Memory()
        self._speakers: dict[str, int] = {}
        self._met: set[str] = set()
        self._passage: deque[Utterance] = deque(maxlen=self.window)
        self._count = 0

    def __len__(self) -> int:
        """Utterances so far."""
        return self._count

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
        return self._read_on(utterances) if self.causal else [self._read_again(u) for u in utterances]

    def _read_again(self, utterance: Utterance) -> dict[str, Any]:
        passage = [*self._passage, utterance][-self.window :]
        found = read_whole(self.model, Conversation("stream", tuple(passage)), contributions=bool(self._names))[-1]
        self._passage.append(utterance)
        self._count += 1
        return found

    def _read_on(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        found = infer(self.model, [self._batch(utterances)])
        self._memory.seen += len(utterances)
        self._count += len(utterances)
        named = []
        for utterance in utterances:
            self._met |= {m for m, values in utterance.features.items() if values is not None}
            named.append([m for m in self._names if m in self._met])
        said = {kept: _part(found, i, len(utterances)) for i, kept in enumerate(self._coalitions)}
        return records([u.id for u in utterances], self.model.task.labels, said, named)

    def _batch(self, utterances: Sequence[Utterance]) -> Batch:
        """The utterances once per coalition, each as a conversation of its own, with what is kept of those before."""
        task, times = self.model.task, len(self._coalitions)
        one = collate([Conversation("stream", tuple(utterances)).without_labels()], task)
        speakers = torch.tensor(task.speaker_indices([u.speaker for u in utterances], self._speakers))
        return Batch(
            features={m: x.repeat(times, 1) for m, x in one.features.items()},
            present={m: torch.cat([p & (m in kept) for kept in self._coalitions]) for m, p in one.present.items()},
            lengths=torch.full((times,), len(one)),
            speakers=speakers.repeat(times),
            labels=one.labels.repeat(times),
            memory=self._memory,
        )


def _part(found: Inference, index: int, count: int) -> Inference:
    rows = slice(index * count, (index + 1) * count)
    return Inference(found.probabilities[rows], {m: alone[rows] for m, alone in found.unimodal.items()})
