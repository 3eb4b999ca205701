"""The forward half of a training step, for a whole batch or again and again for its micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.errors import UsageError
from crossspace.models.answers import checked_encoding, checked_output
from crossspace.models.base import Model
from crossspace.objectives.base import Objective
from crossspace.objectives.modulation import Modulation
from crossspace.training.measured import Measured, measure


class Forward:
    """From a batch to the tensors at the cut, and from these to what the objectives say.

    Args:
        model: to be trained.
        objectives: of the model.
        class_weights: (C,) or None.
        autocast: gives the context of the computation, for mixed precision.
    """

    def __init__(
        self,
        model: Model,
        objectives: Sequence[Objective],
        class_weights: Tensor | None,
        autocast: Callable[[], AbstractContextManager],
    ) -> None:
        self.model, self.objectives = model, objectives
        self.class_weights, self.autocast = class_weights, autocast
        self.modulation: Modulation | None = None

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The tensors at the cut by name, with their graph."""
        with self.autocast():
            return checked_encoding(self.model, self.model.encode(batch))

    def decode(self, leaves: Mapping[str, Tensor], batch: Batch) -> Measured:
        """What objectives and modulation say, computed from ``leaves``."""
        with self.autocast():
            output = checked_output(self.model, self.model.decode(leaves, batch), len(batch.labels))
        return measure(self.objectives, self.modulation, output, batch, self.class_weights)


def cut(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leaves with the values of ``tensors``; those of floating-point numbers take gradients."""
    return {name: x.detach().requires_grad_(x.is_floating_point()) for name, x in tensors.items()}


def with_gradients(leaves: Mapping[str, Tensor]) -> list[str]:
    """Names of the leaves that take gradients."""
    return [name for name, leaf in leaves.items() if leaf.requires_grad]


@contextmanager
def earlier_graphs_refused(model: Model) -> Iterator[None]:
    """Inside, a backward pass that comes upon the graph of an earlier step is a :class:`UsageError`."""
    try:
        yield
    except RuntimeError as error:
        if "through the graph a second time" not in str(error):
            raise
        raise UsageError(
            f"Model {model.name!r}: a step should compute everything from its own batch. Found a tensor with the graph "
            "of an earlier step, whose gradient is gone. Keep nothing on the model or an objective, or `detach` it."
        ) from error


class Repeated:
    """A micro-batch whose graphs are built when they are asked for, with the same random numbers every time.

    Kept are the values at the cut and the random states before either half, no graph. The half above the cut is
    computed again from the values, the half below from the batch, so that only one of the two is in memory at a time.

    Args:
        forward: computes either half.
        batch: the conversations of the micro-batch.
    """

    def __init__(self, forward: Forward, batch: Batch) -> None:
        self.forward, self.batch = forward, batch
        self._counts: Tensor | None = None
        with torch.no_grad():
            self._before_encoding = random_state(batch.labels.device)
            self._values = forward.encode(batch)
            # Dropout above the cut must repeat without running the half below again.
            self._before_decoding = random_state(batch.labels.device)
            self.measured = forward.decode(self._values, batch)

    def share(self, counts: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
        """This micro-batch's share of the objectives and of their parts by name, once all ``counts`` are known."""
        self._counts = counts
        # Without gradient, for the record and the losses of the step.
        return self.measured.means(counts)

    def above(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The objectives of these conversations, and the leaves."""
        assert self._counts is not None
        set_random_state(self._before_decoding)
        leaves = cut(self._values)
        losses, _ = self.forward.decode(leaves, self.batch).means(self._counts)
        return losses, [leaves[name] for name in with_gradients(leaves)]

    def below(self) -> Sequence[Tensor]:
        """The tensors at the cut, with their graph."""
        set_random_state(self._before_encoding)
        return [x for x in self.forward.encode(self.batch).values() if x.is_floating_point()]


RandomState = tuple[Tensor, "Tensor | None", torch.device]


def random_state(device: torch.device) -> RandomState:
    """Where the random numbers of PyTorch stand, on the host and on ``device``."""
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None, device


def set_random_state(state: RandomState) -> None:
    """Go back to where :func:`random_state` was taken."""
    host, on_device, device = state
    torch.set_rng_state(host)
    if on_device is not None:
        torch.cuda.set_rng_state(on_device, device)


def check_cut(objectives: Iterable[Tensor], tops: Iterable[Tensor], model: Model) -> None:
    """Refuse a model whose objectives reach the encoders by another way than the cut.

    Args:
        objectives: with the graph above the cut.
        tops: the tensors at the cut, with the graph below it.
        model: for the message.

    Raises:
        UsageError: no objective has a gradient, or a graph above the cut holds a node of one below it.
    """
    objectives = list(objectives)
    if not any(x.requires_grad for x in objectives):
        raise UsageError(
            f"Model {model.name!r}: an objective should depend on parameters. Found none that has a gradient: nothing "
            "would be learnt. Look for `detach`, `no_grad` and whole numbers between the parameters and the logits."
        )
    if not _nodes(tops).isdisjoint(_nodes(objectives)):
        raise UsageError(
            f"Model {model.name!r}: an objective should read nothing that `encode` computed but what `encode` "
            "returned and `decode` handed on in the `representation` or `extras` of its output. Found one that reads "
            "it by another way, such as a tensor kept on the model. Return it from `encode` under a name of its own."
        )


def _nodes(tensors: Iterable[Tensor]) -> set[torch.autograd.graph.Node]:
    """All nodes of the graphs of ``tensors`` but those that stand for parameters, which either half may use."""
    nodes: set[torch.autograd.graph.Node] = set()
    waiting = [x.grad_fn for x in tensors if x.grad_fn is not None]
    while waiting:
        node = waiting.pop()
        # A parameter's node belongs to both graphs without joining them.
        if node in nodes or hasattr(node, "variable"):
            continue
        nodes.add(node)
        waiting += [before for before, _ in node.next_functions if before is not None]
    return nodes
