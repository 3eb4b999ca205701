"""On a GPU: the step of the processor, and nobody waits for it in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from crossspace.balance import FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.css import CSS
from crossspace.training.devices import Devices
from crossspace.training.step import TrainingStep

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_tf32_is_refused_where_there_is_none() -> None:
    with pytest.raises(UsageError, match="'tf32' is one of CUDA devices"):
        Devices("cpu").fabric("tf32")


@needs_gpu
@pytest.mark.parametrize(
    "balancer", [FixedWeights(), ParetoGradientModulator(), ParetoGradientModulator("representation")]
)
def test_a_step_waits_for_nothing(balancer: FixedWeights, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model = CSS(task, width=16, heads=2, fusion={"rank": 4}).cuda()
    step = TrainingStep(model, balancer, torch.optim.Adam(model.parameters(), fused=True), clip=1.0)
    batch = make_batch(task, (4, 1, 5, 3)).to("cuda")
    step(batch)  # what is set up once may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
