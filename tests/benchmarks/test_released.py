"""Every released way computes what our model computes; a new file is tested without a new line.

Where its result does not depend on padding, conversations of unequal lengths are compared in ``released/``.
"""

from __future__ import annotations

import pytest

from benchmarks import graphs
from benchmarks.released import released_ways


@pytest.mark.parametrize("name", sorted(released_ways()))
def test_logits_losses_and_gradients_agree_in_conversations_of_equal_length(name: str) -> None:
    assert graphs.agreement(name) <= 1e-9
