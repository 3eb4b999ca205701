"""IMTL-L: losses scaled until all are about one."""

from __future__ import annotations

from crossspace.balance.learnt import LearntScales


class IMTLL(LearntScales):
    """Impartial learning, loss part (Liu et al. 2021): weights ``exp(s_k)``, s_k a learnt log scale.

    The s minimise ``sum_k exp(s_k) l_k - s_k`` (equation 8), so that the weight of a steady loss tends to 1 / l_k and
    all scaled losses to 1.

    Cost: that of fixed weights.

    Args:
        learning_rate: of the s.
        bound: the s stay within ``-bound`` and ``bound``; without it, the weight of a loss that goes to 0 would grow
            for ever.

    Note:
        ``uncertainty`` of half the losses, in effect: its weights tend to 1 / (2 l_k). The paper learns s with the
        optimizer of the model; here the balancer has its own Adam, without weight decay or schedule. Losses that are
        not finite leave s and Adam as they were. The part for gradients is ``imtl-g``.
    """

    name = "imtl-l"
    about_weights = "Each weight is exp(s) of a learnt log scale s, at first 1; the weights have no fixed sum."
    sign, target = 1, 1.0
