"""What records a training step and repeats it: CUDA graphs, or in tests something that does the same on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch

from crossspace.errors import UnsuitableError, UsageError
from crossspace.training.step_record import StepRecord

Step = Callable[[], StepRecord]
"""Takes its batch from memory that stays in place, and moves the parameters."""


class Recorder(Protocol):
    """Repeats a step without Python: every operation again, on the same memory, with the arguments of the recording."""

    def warm_up(self, step: Step) -> StepRecord:
        """Take a step in the ordinary way, so that what is made at its first call is there before it is recorded."""

    def record(self, step: Step) -> Step:
        """What repeats ``step``; recording it moves nothing. The record it returns is overwritten by the next one."""


class CudaRecorder:
    """CUDA graphs. All share one pool of memory, since only one of them runs at a time and none reads another's.

    Args:
        device: a CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def warm_up(self, step: Step) -> StepRecord:
        """On the stream of the recordings, as libraries keep memory for every stream."""
        self.stream.wait_stream(torch.cuda.current_stream(self.stream.device))
        with torch.cuda.stream(self.stream):
            record = step()
        torch.cuda.current_stream(self.stream.device).wait_stream(self.stream)
        return record

    def record(self, step: Step) -> Step:
        """Capture ``step``; nothing is computed by that.

        Raises:
            UnsuitableError: something in it cannot be captured.
        """
        graph = torch.cuda.CUDAGraph()
        try:
            # A checkpoint may be written by another thread meanwhile, which copies from the device.
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
                record = step()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            # What went wrong ends the recording, which fails for that in its turn.
            reason = str(error.__context__ or error).split("\n", 1)[0]
            raise UnsuitableError(
                f"A training step should be recorded as a CUDA graph. CUDA refused: {reason}. The model, an objective "
                "or the balancer waits for the device, or copies to it. Train with `--training.graphs false`."
            ) from error

        def replay() -> StepRecord:
            graph.replay()
            return record

        return replay


def recorder_on(device: torch.device) -> Recorder:
    """The recorder of a device.

    Raises:
        UsageError: it has none.
    """
    check_kind(device.type)
    return CudaRecorder(device)


def check_kind(kind: str) -> None:
    """Raise :class:`UsageError` unless devices of this kind have graphs."""
    if kind != "cuda":
        raise UsageError(
            f"`training.graphs` should be false on the device {kind!r}: CUDA alone has graphs. Found true; leave it "
            "out, or use `--device cuda` where there is one."
        )
