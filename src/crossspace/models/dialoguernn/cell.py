"""The three interleaved recurrences of DialogueRNN, in one direction, over the running conversations of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Walk
from crossspace.batching.memory import Memory
from crossspace.nn.dropout import Dropout
from crossspace.nn.gates import reset_after
from crossspace.nn.growing import Growing
from crossspace.nn.linear import Linear
from crossspace.nn.ragged import reorder
from crossspace.nn.recall import Recall
from crossspace.nn.stepwise import Stepwise


@dataclass
class _State:
    """What the next utterance of b conversations will find.

    Attributes:
        context: (b, global_width) global state.
        party: (b, slots, party_width) state of every speaker.
        emotion: (b, emotion_width).
        history: (b, t, global_width) global states so far.
    """

    context: Tensor
    party: Tensor
    emotion: Tensor
    history: Growing = field(default_factory=Growing)


class DialogueEncoder(nn.Module):
    """A global, a party and an emotion GRU that read one utterance after the other (Majumder et al. 2019).

    The global state reads the utterance and the speaker's state as it was; the speaker's state reads the utterance and
    what attention finds in the preceding global states; the emotion reads the speaker's state as it is now.

    Args:
        width: features of an utterance.
        global_width, party_width, emotion_width: of the three states.
        slots: how many speakers are told apart, the overflow index included.
        dropout: on the new states. What is dropped is what the next step and the attention receive.
        listener: update the states of those who do not speak too.
        context: attention over global states g: ``general`` scores them by ``g . (W u)``, ``simple`` by ``w . g``.

    Note:
        The input maps of all cells are split by what they read. What reads the utterances is one product before the
        loop, and the emotion, which no other state reads, is a loop of its own. Without listeners only the speaker's
        state is computed. What dropout spares is drawn for all steps at once. The dimensions and initial values are
        those of one ``GRUCell`` each.
    """

    def __init__(
        self,
        width: int,
        global_width: int,
        party_width: int,
        emotion_width: int,
        slots: int,
        dropout: float,
        listener: bool,
        context: Literal["general", "simple"],
    ) -> None:
        super().__init__()
        self.slots = slots
        self.widths = (global_width, party_width)
        self.sections = [3 * global_width, 3 * party_width, 3 * party_width * listener]
        self.sections.append(global_width if context == "general" else 0)
        self.utterance = Linear(width, sum(self.sections), bias=False)
        self.global_party, self.global_state = _maps(party_width, global_width)
        self.party_context, self.party_state = _maps(global_width, party_width)
        self.listener_party: Linear | None = None
        self.listener_state: Linear | None = None
        if listener:
            self.listener_party, self.listener_state = _maps(party_width, party_width)
        self.emotion_party, self.emotion_state = _maps(party_width, emotion_width)
        self.score = nn.Parameter(torch.empty(global_width)) if context == "simple" else None
        self.dropout = Dropout(dropout)
        for part, size in zip(
            self.utterance.weight.split(self.sections),
            (global_width, party_width, party_width, width),
            strict=True,
        ):
            nn.init.uniform_(part, -(size**-0.5), size**-0.5)
        if self.score is not None:
            nn.init.uniform_(self.score, -(global_width**-0.5), global_width**-0.5)

    def forward(self, rows: Tensor, speakers: Tensor, walk: Walk, memory: Memory | None = None) -> Tensor:
        """(N, width) utterances and (N,) speaker indices, in the order of the batch, to (N, emotion_width).

        With a ``memory`` the states go on where the pass before left them.
        """
        if not len(rows):
            return rows.new_zeros(0, self.emotion_state.in_features)
        said = reorder(self.utterance(rows), walk.rows, walk.places)
        speaking = F.one_hot(speakers[walk.rows], self.slots).bool()
        state = self._start(said, walk.sizes[0])
        if memory is not None:
            state = memory.kept.setdefault(self, state)
        emotions = self._emotions(self._parties(said, speaking, walk.sizes, state), walk.sizes, state)
        return reorder(emotions, walk.places, walk.rows)

    def _start(self, like: Tensor, count: int) -> _State:
        return _State(
            context=like.new_zeros(count, self.widths[0]),
            party=like.new_zeros(count, self.slots, self.widths[1]),
            emotion=like.new_zeros(count, self.emotion_state.in_features),
        )

    def _parties(self, said: Tensor, speaking: Tensor, sizes: tuple[int, ...], kept: _State) -> Tensor:
        """(N, party_width) state of the speaker after each utterance."""
        parts = [part.split(sizes) for part in said.split(self.sections, dim=1)]
        scales = [self._dropped(said, width, sizes) for width in self.widths]
        state, party, recall = kept.context, kept.party, Recall(kept.history)
        global_party, global_state = _each_step(self.global_party), _each_step(self.global_state)
        party_context, party_state = _each_step(self.party_context), _each_step(self.party_state)
        spoken_states = []
        for for_global, for_party, for_listener, query, who, global_scale, party_scale in zip(
            *parts, speaking.split(sizes), *scales, strict=True
        ):
            running = len(who)
            state, party = _first(state, running), _first(party, running)
            who = who.unsqueeze(2)
            before = torch.where(who, party, 0.0).sum(1)
            context = recall(query if self.score is None else self.score.expand(running, -1))
            context = torch.zeros_like(state) if context is None else context
            state = reset_after(for_global + global_party(before), global_state(state), state, global_scale)
            spoken = reset_after(for_party + party_context(context), party_state(before), before, party_scale)
            party = torch.where(who, spoken.unsqueeze(1), self._listening(party, spoken, for_listener))
            recall.append(state)
            spoken_states.append(spoken)
        kept.context, kept.party = state, party
        return torch.cat(spoken_states)

    def _dropped(self, like: Tensor, width: int, sizes: tuple[int, ...]) -> Sequence[Tensor | None]:
        """What dropout multiplies the (b, width) states of each step by, drawn for all steps at once."""
        if not self.dropout.training or not self.dropout.p:
            return [None] * len(sizes)
        return self.dropout(like.new_ones(len(like), width)).split(sizes)

    def _listening(self, party: Tensor, spoken: Tensor, read: Tensor) -> Tensor:
        """(b, slots, party_width) states of those who listen; unchanged unless the model has a cell for them."""
        if self.listener_party is None or self.listener_state is None:
            return party
        mapped = self.listener_state(party)
        read = (read + self.listener_party(spoken)).unsqueeze(1).expand_as(mapped)
        return self.dropout(reset_after(read, mapped, party))

    def _emotions(self, parties: Tensor, sizes: tuple[int, ...], kept: _State) -> Tensor:
        """(N, emotion_width) from the (N, party_width) states of the speakers."""
        state, states, emotion_state = kept.emotion, [], _each_step(self.emotion_state)
        scales = self._dropped(parties, state.shape[1], sizes)
        for read, scale in zip(self.emotion_party(parties).split(sizes), scales, strict=True):
            state = _first(state, len(read))
            state = reset_after(read, emotion_state(state), state, scale)
            states.append(state)
        kept.emotion = state
        return torch.cat(states)


def _each_step(layer: Linear) -> Stepwise:
    return Stepwise(layer.weight, layer.bias)


def _maps(width: int, state: int) -> tuple[Linear, Linear]:
    """The input map and the state map of a GRU cell."""
    maps = Linear(width, 3 * state), Linear(state, 3 * state)
    for parameter in (*maps[0].parameters(), *maps[1].parameters()):
        nn.init.uniform_(parameter, -(state**-0.5), state**-0.5)
    return maps


def _first(rows: Tensor, count: int) -> Tensor:
    return rows if len(rows) == count else rows[:count]
