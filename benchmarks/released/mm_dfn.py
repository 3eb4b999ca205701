"""MM-DFN's released way: speakers gathered one by one, and MMGCN's dense graph under an LSTM over layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.released import padded
from benchmarks.released.mmgcn import convolution, dense_adjacency, drop, flattened, linear
from crossspace.batching.batch import Batch
from crossspace.models.mm_dfn import MMDFN
from crossspace.output import Output


def released(model: MMDFN, batch: Batch) -> Output:
    """Padded encoders, all rows one after the other, a graph of (M L)^2 entries, dense convolutions."""
    places = padded(batch)
    lengths = batch.lengths.tolist()
    mapped = {m: linear(model.projection[m], x) for m, x in places.features.items()}
    context = {**mapped, model.leading: model.context.cell(mapped[model.leading])[0]}
    rows = []
    for m, x in context.items():
        states = speaker_states(model, mapped[m], places.speakers, lengths)
        rows.append(flattened(x + model.speaker_weights.get(m, 0.0) * states, lengths))
    adjacency = dense_adjacency(rows, lengths)
    nodes = drop(model, torch.cat(rows))
    first = torch.relu(linear(model.input, nodes))
    hidden, state = drop(model, first), None
    parameters = list(model.fusion.parameters())
    for k in range(len(model.convolutions.weight)):
        state = across_layers(hidden, state, parameters)
        given = convolution(model.convolutions, k, adjacency @ state[0].squeeze(0), first)
        hidden = drop(model, given) + hidden
    both = torch.cat([nodes, hidden], dim=1)
    joined = drop(model, torch.cat(both.chunk(len(rows)), dim=1))
    return Output(linear(model.classifier, torch.relu(joined)))


def across_layers(
    hidden: Tensor, state: tuple[Tensor, Tensor] | None, parameters: Sequence[nn.Parameter]
) -> tuple[Tensor, Tensor]:
    """One step of ``nn.LSTM`` for the nodes, its batch; they are a sequence of length one."""
    before = state or (hidden.new_zeros(1, *hidden.shape), hidden.new_zeros(1, *hidden.shape))
    _, *after = torch.lstm(hidden.unsqueeze(0), before, parameters, True, 1, 0.0, False, False, False)
    return after[0], after[1]


def speaker_states(model: MMDFN, rows: Tensor, speakers: Tensor, lengths: Sequence[int]) -> Tensor:
    """(B, T, width): a recurrence over the turns of each speaker, gathered conversation by conversation.

    A speaker's turns are padded to T, and the release also reads what is padded. Here they are packed, which is less
    work, so that both ways compute the same. As in the release, modalities of weight zero are read too.
    """
    states = torch.zeros_like(rows)
    for speaker in range(model.task.speaker_slots - 1):
        turns = [torch.nonzero(speakers[b, :n] == speaker).squeeze(1) for b, n in enumerate(lengths)]
        said = torch.zeros_like(rows)
        for b, places in enumerate(turns):
            said[b, : len(places)] = rows[b][places]
        counts = torch.tensor([max(len(places), 1) for places in turns])
        packed = nn.utils.rnn.pack_padded_sequence(said, counts, batch_first=True, enforce_sorted=False)
        read, _ = nn.utils.rnn.pad_packed_sequence(model.speakers.cell(packed)[0], batch_first=True)
        for b, places in enumerate(turns):
            states[b, places] = read[b, : len(places)]
    return states
