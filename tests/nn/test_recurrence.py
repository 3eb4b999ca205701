from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from crossspace.batching.layout import Layout
from crossspace.nn.recurrence import stacked_gru


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("lengths", [(5, 1, 0, 3, 5, 2), (1,), (4,)])
def test_states_and_gradients_are_those_of_pytorchs_gru_conversation_by_conversation(
    lengths: Sequence[int], both: bool
) -> None:
    torch.manual_seed(0)
    cell = nn.GRU(4, 3, num_layers=2, bidirectional=both, batch_first=True).double()
    rows = torch.randn(sum(lengths), 4, dtype=torch.float64, requires_grad=True)
    alone = torch.cat([cell(part.unsqueeze(0))[0].squeeze(0) for part in rows.split(list(lengths)) if len(part)])
    together = stacked_gru(cell, rows, Layout(lengths))
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    weights, leaves = torch.randn_like(alone), [rows, *cell.parameters()]
    found = [torch.autograd.grad((states * weights).sum(), leaves) for states in (together, alone)]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


def test_dropout_between_layers_is_of_training_alone() -> None:
    torch.manual_seed(0)
    cell, rows, layout = nn.GRU(4, 3, num_layers=2, dropout=0.5), torch.randn(6, 4), Layout((4, 2))
    assert not torch.equal(stacked_gru(cell, rows, layout), stacked_gru(cell, rows, layout))
    cell.eval()
    assert torch.equal(stacked_gru(cell, rows, layout), stacked_gru(cell, rows, layout))
    single = nn.GRU(4, 3, dropout=0.0)
    assert torch.equal(stacked_gru(single, rows, layout), stacked_gru(single, rows, layout))
