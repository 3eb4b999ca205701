"""A single process gathers and sums nothing; tests/training/test_processes.py has two."""

from __future__ import annotations

import torch

from crossspace.nn.processes import gathered, process_count, summed


def test_alone_rows_and_sums_are_ones_own() -> None:
    rows, labels = torch.randn(3, 2), torch.arange(3)
    (all_rows, all_labels), own = gathered(rows, labels)
    assert process_count() == 1 and own == slice(0, 3)
    assert all_rows is rows and all_labels is labels and summed(rows) is rows
