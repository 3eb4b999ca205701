"""Uncertainty weighting: each objective is weighed by a noise level that is learnt beside the model."""

from __future__ import annotations

from crossspace.balance.learnt import LearntScales


class UncertaintyWeights(LearntScales):
    """Homoscedastic uncertainty (Kendall et al. 2018): weights ``exp(-s_k)``, s_k a learnt log variance.

    The s minimise ``sum_k exp(-s_k) l_k + s_k / 2``, the paper's form for classification, so the weight of a steady
    loss tends to 1 / (2 l_k).

    Cost: that of fixed weights.

    Args:
        learning_rate: of the s.
        bound: the s stay within ``-bound`` and ``bound``; without it, the weight of a loss that goes to 0 would grow
            for ever.

    Note:
        The paper learns s with the optimizer of the model. Here the balancer has its own Adam, without weight decay
        or schedule. Losses that are not finite leave s and Adam as they were.
    """

    name = "uncertainty"
    about_weights = "Each weight is exp(-s) of a learnt log variance s, at first 1; the weights have no fixed sum."
    sign, target = -1, 0.5
