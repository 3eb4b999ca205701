"""Balancers: from the gradients of several objectives to one step."""

from __future__ import annotations

from crossspace.balance.aligned_mtl import AlignedMTL
from crossspace.balance.arithmetic import gram_matrix
from crossspace.balance.base import Balancer
from crossspace.balance.cagrad import CAGrad
from crossspace.balance.dwa import DynamicWeightAverage
from crossspace.balance.fixed import FixedWeights
from crossspace.balance.gradients import Balance, accumulated_backward, balanced_backward
from crossspace.balance.imtl_g import IMTLG
from crossspace.balance.mgda import MGDA
from crossspace.balance.nash import NashMTL
from crossspace.balance.pcgrad import PCGrad
from crossspace.balance.pgm import ParetoGradientModulator
from crossspace.balance.simplex import pareto_weights
from crossspace.balance.uncertainty import UncertaintyWeights
from crossspace.balance.upgrad import UPGrad
from crossspace.components import Components, discover

BALANCERS: Components[Balancer] = Components(
    "balancer",
    Balancer,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Balancer),  # type: ignore[type-abstract]
)

__all__ = [
    "BALANCERS",
    "IMTLG",
    "MGDA",
    "AlignedMTL",
    "Balance",
    "Balancer",
    "CAGrad",
    "DynamicWeightAverage",
    "FixedWeights",
    "NashMTL",
    "PCGrad",
    "ParetoGradientModulator",
    "UPGrad",
    "UncertaintyWeights",
    "accumulated_backward",
    "balanced_backward",
    "gram_matrix",
    "pareto_weights",
]
