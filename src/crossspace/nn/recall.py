"""What every step of a recurrence finds in the states of the steps before it, by attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.nn.growing import Growing


class Recall:
    """Attention over the states so far, for the steps of one pass of a recurrence.

    Values and gradients are those of a softmax over dot products with all states so far. What differs is the work:
    the states are kept once and not again at every step; and the gradient of a state is computed when its own step is
    reached, from what all later steps have left, where autograd would add a tensor of all states at every step.

    Args:
        history: states of earlier passes, to which those of this pass are appended. No gradient reaches earlier passes.

    Note:
        As in :class:`crossspace.nn.stepwise.Stepwise` every step hands a token without entries to the next, so that a
        backward pass visits them in order, and each of several through one graph knows where it begins.
    """

    def __init__(self, history: Growing) -> None:
        self._history, self._tape = history, _Tape(history.length)
        self._token: Tensor | None = None

    def __call__(self, query: Tensor) -> Tensor | None:
        """(b, d) to (b, d), a mean of the states so far of the first b; None where there is none."""
        states = self._history.steps
        if states is None:
            return None
        states = states[: len(query)]
        if not torch.is_grad_enabled():
            return _attend(states, query)[0]
        context, self._token = _Recalled.apply(query, self._last(states), states, self._tape)
        return context

    def append(self, states: Tensor) -> None:
        """Append (b, d); b may shrink."""
        index = self._history.length
        with torch.no_grad():
            self._history.append(states.detach().unsqueeze(1))
        if torch.is_grad_enabled():
            self._token = _Appended.apply(states, self._last(states), self._tape, index)

    def _last(self, like: Tensor) -> Tensor:
        return like.new_empty(0) if self._token is None else self._token


def _attend(states: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    # A row times a matrix is several times faster in a batch than a matrix times a column.
    scores = query.to(states.dtype).unsqueeze(1) @ states.mT
    weights = torch.softmax(scores, dim=2)
    return (weights @ states).squeeze(1), weights.squeeze(1)


@dataclass(eq=False)
class _Tape:
    """What the steps of a backward pass leave for the states before them.

    Attributes:
        past: states of earlier passes, which have no gradient.
        steps: how many may leave something, the first included, which does not.
        factors: (b, s, 2, s); of every step and of every state before it the weight, and the gradient of the score.
        rows: (b, s, 2, d), what they multiply: the gradient of what was found, and the query.
    """

    past: int
    steps: int = 0
    factors: Tensor | None = None
    rows: Tensor | None = None

    def begin(self, steps: int) -> None:
        """Forget an earlier pass; this one begins at the step of this number."""
        self.factors = self.rows = None
        self.steps = steps + 1 - self.past

    def add(self, weights: Tensor, for_scores: Tensor, gradient: Tensor, query: Tensor) -> None:
        """Keep what a step leaves: (b, t), (b, t), (b, d), (b, d)."""
        count, step = len(weights), weights.shape[1] - self.past
        if self.factors is None or self.rows is None:
            self.factors = weights.new_zeros(count, self.steps, 2, self.steps)
            self.rows = gradient.new_zeros(count, self.steps, 2, gradient.shape[1])
        elif count > len(self.factors):
            more = (0,) * 7 + (count - len(self.factors),)
            self.factors = F.pad(self.factors, more)
            self.rows = F.pad(self.rows, more)
        for place, (factors, rows) in enumerate(((weights, gradient), (for_scores, query))):
            self.factors[:count, step, place, :step] = factors[:, self.past :]
            self.rows[:count, step, place] = rows

    def gradient(self, index: int, count: int) -> Tensor | None:
        """(b, d) of the state of a step; None where no later one has left anything."""
        if self.factors is None or self.rows is None:
            return None
        step = index - self.past
        factors, rows = self.factors[:, step + 1 :, :, step], self.rows[:, step + 1 :]
        gradient = (factors.flatten(1).unsqueeze(1) @ rows.flatten(1, 2)).squeeze(1)
        return F.pad(gradient, (0, 0, 0, count - len(gradient)))


class _Appended(Function):
    """The token of the steps after a state."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, token: Tensor, tape: _Tape, index: int) -> Tensor:
        ctx.tape, ctx.index, ctx.count = tape, index, len(states)
        ctx.set_materialize_grads(False)
        return token.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, later: Tensor | None) -> tuple[Tensor | None, Tensor | None, None, None]:
        if later is None:
            return None, None, None, None
        return ctx.tape.gradient(ctx.index, ctx.count), later, None, None


class _Recalled(Function):
    """What a step finds, and the token of the next."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, token: Tensor, states: Tensor, tape: _Tape) -> tuple[Tensor, Tensor]:
        context, weights = _attend(states, query)
        # Later states are written behind these, which stay as they are; autograd would take it for a change of them.
        ctx.states, ctx.tape = states, tape
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(query, weights, token)
        return context, token.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None, later: Tensor | None) -> tuple[Tensor | None, Tensor, None, None]:
        (query, weights, token), states = ctx.saved_tensors, ctx.states
        if later is None:  # no later step has a part in this pass
            ctx.tape.begin(states.shape[1])
        if gradient is None:
            return None, token, None, None
        gradient, weights = gradient.to(states.dtype), weights.to(states.dtype)
        for_weights = (gradient.unsqueeze(1) @ states.mT).squeeze(1)
        for_scores = torch.ops.aten._softmax_backward_data(for_weights, weights, 1, weights.dtype)
        ctx.tape.add(weights, for_scores, gradient, query)
        return (for_scores.unsqueeze(1) @ states).squeeze(1), token, None, None
