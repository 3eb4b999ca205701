"""What the models over one graph of all modalities have in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.mm_dfn import MMDFN
from crossspace.models.mmgcn import MMGCN
from crossspace.models.multimodal_graph import MultimodalGraph

KINDS = pytest.mark.parametrize("kind", [MMGCN, MMDFN])


@KINDS
@pytest.mark.parametrize("names", [("a",), ("a", "b", "c", "d")])
def test_numbers_kept_for_every_two_utterances_are_as_many_as_it_says(
    kind: type[MultimodalGraph], names: tuple[str, ...], make_batch: Callable[..., Batch]
) -> None:
    task, kept = TaskSpec(("x", "y"), dict.fromkeys(names, 3)), {}
    model = kind(task, width=4, graph_width=2, layers=5)

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() / 4
        return tensor

    batch = make_batch(task, (400,))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(batch).logits.sum()
    pairs = sum(numbers for numbers in kept.values() if numbers >= 400**2) / 400**2
    assert pairs == model.numbers_per_pair()
    assert loss.requires_grad


@KINDS
def test_a_modality_that_an_utterance_lacks_leaves_the_others_as_if_it_had_never_been_there(
    kind: type[MultimodalGraph], make_batch: Callable[..., Batch]
) -> None:
    """Alone in its modality, a node that is absent changes nothing but the classes' share of it."""
    torch.manual_seed(0)
    task = TaskSpec(("x", "y"), {"text": 3, "audio": 2, "visual": 2})
    model = kind(task, width=4, graph_width=3, layers=2, dropout=0.0).double()
    batch = make_batch(task, (4, 2), dtype=torch.float64).keep(("text", "audio"))
    rows = model.encode(batch)
    assert (rows["visual"] == 0).all()
    smaller = kind(TaskSpec(("x", "y"), {"text": 3, "audio": 2}), width=4, graph_width=3, layers=2, dropout=0.0)
    known = model.state_dict()
    smaller.double().load_state_dict({n: known[n] for n in smaller.state_dict() if n != "classifier.weight"}, False)
    for m, alone in smaller.encode(batch).items():
        torch.testing.assert_close(rows[m], alone, rtol=1e-12, atol=1e-12)
