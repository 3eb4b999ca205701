"""A recorder that does on the CPU what CUDA graphs do: every operation again, on the same memory, without Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from crossspace.training.recorders import Step
from crossspace.training.step_record import StepRecord

LOOKS = {
    f"aten::{name}"
    for name in (
        *("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "_unique2", "bincount"),
        *("unique_dim", "unique_consecutive", "repeat_interleave", "set_", "resize_", "record_stream"),
    )
}
"""Operations for which the host waits for the device, or whose result has a shape that only the device knows."""


class Tape(TorchDispatchMode):
    """The operations of a block, below automatic differentiation and autocast.

    Attributes:
        outside: addresses of memory that was there before the block, and that it reads or writes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outside: set[int] = set()
        self._made: set[int] = set()
        self.operations: list[tuple[Any, tuple, dict, Any]] = []
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        assert func._schema.name not in LOOKS, f"{func} cannot be recorded"
        for tensor in written(func, args, kwargs):
            storage = tensor.untyped_storage()
            self._before.setdefault(storage.data_ptr(), (storage, storage.clone()))
        self.outside |= addresses((args, kwargs)) - self._made
        result = func(*args, **kwargs)
        # What is made here is kept with the operations, so that no address comes twice.
        self._made |= addresses(result) - self.outside
        if func.namespace != "profiler":
            self.operations.append((func, args, kwargs, result))
        return result

    def undo(self) -> None:
        """Put back what the block has written to: CUDA computes nothing while it records."""
        for storage, before in self._before.values():
            storage.copy_(before)

    @torch.no_grad()
    def play(self) -> None:
        """Every operation again, with the scalars and the memory that it had."""
        with torch._C._AutoDispatchBelowAutograd():
            for func, args, kwargs, result in self.operations:
                if is_view(func):
                    continue
                again = func(*args, **kwargs)
                if not func._schema.is_mutable:
                    for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                        if isinstance(old, Tensor):
                            old.copy_(new)


class TapeRecorder:
    """Records on tapes.

    Attributes:
        tapes: one per recording.
        played: how often one was repeated.
    """

    def __init__(self) -> None:
        self.tapes: list[Tape] = []
        self.played = 0

    def warm_up(self, step: Step) -> StepRecord:
        return step()

    def record(self, step: Step) -> Step:
        tape, random = Tape(), torch.get_rng_state()
        self.tapes.append(tape)
        with tape:
            record = step()
        tape.undo()
        torch.set_rng_state(random)

        def replay() -> StepRecord:
            self.played += 1
            tape.play()
            return record

        return replay


def written(func: Any, args: tuple, kwargs: dict) -> Iterator[Tensor]:
    """The tensors that an operation writes to."""
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given = args[place] if place < len(args) else kwargs.get(argument.name)
            yield from (x for x in tree_leaves(given) if isinstance(x, Tensor))


def addresses(given: Any) -> set[int]:
    """Of the memory of all tensors in it."""
    return {x.untyped_storage().data_ptr() for x in tree_leaves(given) if isinstance(x, Tensor) and x.numel()}


def is_view(func: Any) -> bool:
    """Whether the result of an operation is memory of an argument, seen in another way."""
    returns = func._schema.returns
    return bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)
