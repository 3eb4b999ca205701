"""One training step: forward, objectives, balanced gradient, update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.gradients import Balance, Computed, MicroBatch, Reduce, accumulated_backward
from crossspace.batching.batch import Batch
from crossspace.models.base import Model
from crossspace.nn.linear import passes
from crossspace.nn.processes import process_count
from crossspace.objectives.base import Objective
from crossspace.training.checks import check_counts, check_divisible, objectives_of
from crossspace.training.forward import (
    Forward,
    RandomState,
    Repeated,
    check_cut,
    cut,
    earlier_graphs_refused,
    random_state,
    set_random_state,
    with_gradients,
)
from crossspace.training.measured import divisors
from crossspace.training.memory import keep_freed_memory
from crossspace.training.step_record import StepRecord, step_values
from crossspace.training.update import ClipPer, Update


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A batch between the forward and the backward half.

    Attributes:
        micro_batches: with the graphs, or ready to build them.
        losses: (K,) this process's share of the objectives, without gradient.
        parts: likewise of all their parts, by name.
        signals: means that the modulation rests on, the same in all processes.
        random: where random numbers go on after the backward half, if that repeats some.
    """

    micro_batches: Sequence[MicroBatch]
    losses: Tensor
    parts: Mapping[str, Tensor]
    signals: Mapping[str, Tensor]
    random: RandomState | None = None


class TrainingStep:
    """Takes a batch, whole or in micro-batches, and moves the parameters by one step.

    The order of events: forward to the cut; forward to the objectives; counts summed over micro-batches and processes;
    one gradient from all objectives (:func:`~crossspace.balance.gradients.accumulated_backward`); clipping; modulation;
    update; for a balancer that looks back, the objectives once more. A loss or gradient that is not finite leaves
    parameters, optimizer and running statistics as they were.

    A batch in micro-batches takes one more forward pass, without a graph, since totals can be divided only when all is
    counted; random numbers repeat in the second, and the step is that of the whole batch.

    Args:
        model: to be trained.
        balancer: weighs the objectives.
        optimizer: a fused Adam or AdamW over the parameters of ``model``; it can refuse an update on the device.
        class_weights: (C,) or None.
        clip: largest norm of the whole gradient, or of each tensor's, or None.
        autocast: gives the context of the forward computation, for mixed precision.
        reduce: sums over processes, or None for a single one.
        clip_per: what ``clip`` bounds, the gradient of the ``model`` or of every ``tensor``.
        compare: multiply in this type, such as bfloat16, in the passes that only compare the gradients of objectives.
    """

    def __init__(
        self,
        model: Model,
        balancer: Balancer,
        optimizer: torch.optim.Optimizer,
        class_weights: Tensor | None = None,
        clip: float | None = None,
        autocast: Callable[[], AbstractContextManager] = nullcontext,
        reduce: Reduce | None = None,
        clip_per: ClipPer = "model",
        compare: torch.dtype | None = None,
    ) -> None:
        self.model, self.balancer, self.optimizer = model, balancer, optimizer
        self.objectives: Sequence[Objective] = objectives_of(model)
        self.class_weights, self.reduce, self.compare = class_weights, reduce, compare
        self.modulation = model.modulation()
        # Here, once, for every model: what is frozen takes no gradient, whatever part of a model it is.
        self.shared = list(dict.fromkeys(p for p in model.shared_parameters() if p.requires_grad))
        shared = {id(p) for p in self.shared}
        self.others = [p for p in model.parameters() if id(p) not in shared and p.requires_grad]
        self.forward = Forward(model, self.objectives, class_weights, autocast)
        self.update = Update(model, [*self.shared, *self.others], optimizer, clip, clip_per)
        if all(p.is_cpu for p in model.parameters()):
            keep_freed_memory()
        self.count = 0
        self.weights: Tensor | None = None
        self.checked = False

    @property
    def renews(self) -> bool:
        """Whether the next step asks the balancer for new weights."""
        # A resumed training knows its weights and its count, and renews them when the uninterrupted one would.
        return self.weights is None or self.count % self.balancer.every == 0

    def begin_epoch(self, epoch: int) -> None:
        """Called at the start of every epoch, which counts from 0, in the state of :meth:`Balancer.begin_epoch`."""
        self.balancer.begin_epoch(epoch)
        active = self.modulation is not None and epoch >= self.modulation.start
        self.forward.modulation = self.modulation if active else None
        if active:
            self.update.begin_epoch()
        self.checked = False

    def __call__(self, *batches: Batch) -> StepRecord:
        """Train on ``batches``, the micro-batches of this process's part of the global batch; usually one."""
        with passes(dtype=self.compare):
            return self._step(batches)

    def _step(self, batches: Sequence[Batch]) -> StepRecord:
        if not self.checked:
            check_divisible(self.model, self.objectives, len(batches), process_count())
        begun = random_state(batches[0].labels.device) if self.balancer.looks_back else None
        prepared = self._whole(batches[0]) if len(batches) == 1 else self._in_parts(batches)
        self.checked = True
        with earlier_graphs_refused(self.model):
            balance = accumulated_backward(
                prepared.micro_batches,
                prepared.losses,
                self.shared,
                self.others,
                self.balancer,
                previous=None if self.renews else self.weights,
                reduce=self.reduce,
                compare=self.compare,
            )
        if prepared.random is not None:
            # The backward half repeated random numbers; the next step is to draw new ones.
            set_random_state(prepared.random)
        self.weights = balance.weights
        record = self._updated(prepared, balance)
        if begun is not None:
            self.balancer.look_back(self._measured_again(batches, begun))
        self.count += 1
        return record

    def state_dict(self) -> dict[str, Any]:
        """How many steps were taken, the weights in force, what the balancer remembers, where the noise stands."""
        return {
            "count": self.count,
            "weights": self.weights,
            "balancer": self.balancer.state_dict(),
            "noise": self.update.noise,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.count, weights = state["count"], state["weights"]
        self.weights = None if weights is None else weights.to(next(self.model.parameters()).device)
        self.balancer.load_state_dict(state["balancer"])
        self.update.noise = state.get("noise")

    def _whole(self, batch: Batch) -> _Prepared:
        """One pass, whose graphs serve the backward half."""
        tensors = self.forward.encode(batch)
        leaves = cut(tensors)
        measured = self.forward.decode(leaves, batch)
        divided = divisors([measured], self.reduce)
        losses, parts = measured.means(divided.counts)
        names = with_gradients(leaves)
        whole = Computed(losses, [leaves[n] for n in names], [tensors[n] for n in names])
        if not self.checked:
            check_counts(self.objectives, measured.objectives)
            check_cut(whole.objectives, whole.tops, self.model)
        return _Prepared([whole], torch.stack([loss.detach() for loss in losses]), parts, divided.signals)

    def _in_parts(self, batches: Sequence[Batch]) -> _Prepared:
        """One pass without graphs; each graph is built when the backward half comes to it."""
        if not self.checked:
            self._look(max(batches, key=len))
        repeated = [Repeated(self.forward, batch) for batch in batches]
        divided = divisors([part.measured for part in repeated], self.reduce)
        shares = [part.share(divided.counts) for part in repeated]
        losses = torch.stack([torch.stack(losses) for losses, _ in shares]).sum(0)
        parts = {name: torch.stack([means[name] for _, means in shares]).sum(0) for name in shares[0][1]}
        return _Prepared(repeated, losses, parts, divided.signals, random_state(batches[0].labels.device))

    @torch.no_grad()
    def _measured_again(self, batches: Sequence[Batch], begun: RandomState) -> Tensor:
        """(K,) the objectives of the whole batch under the parameters of now, with the random numbers of before."""
        after = random_state(batches[0].labels.device)
        set_random_state(begun)
        measured = [self.forward.decode(self.forward.encode(batch), batch) for batch in batches]
        set_random_state(after)
        counts = divisors(measured, self.reduce).counts
        losses = torch.stack([torch.stack(one.means(counts)[0]) for one in measured]).sum(0)
        if self.reduce is not None:
            self.reduce([losses])
        for norm in self.update.norms:
            # Running statistics take a batch once.
            norm.commit(refused=torch.ones_like(losses[0]))
        return losses

    def _look(self, batch: Batch) -> None:
        """Build both graphs once, to see whether they meet elsewhere than at the cut; leaves no trace.

        Nothing is exchanged, since other processes may have their share of the batch in one part.
        """
        before = random_state(batch.labels.device)
        tensors = self.forward.encode(batch)
        measured = self.forward.decode(cut(tensors), batch)
        # Totals and not means: dividing needs the counts of all processes.
        check_counts(self.objectives, measured.objectives)
        totals = [part.total for parts in measured.objectives for part in parts.values()]
        check_cut(totals, tensors.values(), self.model)
        set_random_state(before)

    def _updated(self, prepared: _Prepared, balance: Balance) -> StepRecord:
        """Move the parameters, and say what happened."""
        modulation = self.forward.modulation
        factors = {} if modulation is None else modulation.factors(prepared.signals)
        names = [objective.name for objective in self.objectives]
        record = step_values(names, prepared.losses, prepared.parts, balance, factors, self.reduce)
        self.update(record.broken, factors, noise=modulation is not None and modulation.noise)
        return record
