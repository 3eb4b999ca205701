"""Unequal lengths, where the released results of MMGCN and MM-DFN do not depend on padding."""

from __future__ import annotations

import pytest
import torch

from benchmarks.agreement import differences
from benchmarks.corpus import random_batch, task
from benchmarks.released import released_ways


@pytest.mark.parametrize("name", ["mmgcn", "mm-dfn"])
def test_conversations_of_unequal_length_agree_where_nothing_is_read_backwards_from_the_padding(name: str) -> None:
    """With its weights at zero, the backward direction of the context begins and stays at zero."""
    torch.manual_seed(0)
    way = released_ways()[name]
    spec = task({"text": 5, "audio": 4, "visual": 3})
    model = way.model(spec, width=8, graph_width=6, layers=3, dropout=0.0)
    silent = [n for n, _ in model.context.named_parameters() if n.endswith("_reverse")]
    with torch.no_grad():
        for parameter in silent:
            model.context.get_parameter(parameter).zero_()
    apart = differences(model, way.forward, random_batch([4, 1, 6], spec))
    read = {key: value for key, value in apart.items() if key.removeprefix("context.") not in silent}
    assert len(read) == len(apart) - len(silent)
    assert max(read.values()) <= 1e-9
