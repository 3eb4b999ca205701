"""Balancers: from the gradients of several objectives to one step."""

from __future__ import annotations

from crossspace.balance.aligned_mtl import AlignedMTL
from crossspace.balance.arithmetic import gram_matrix
from crossspace.balance.base import Balancer
from crossspace.balance.cagrad import CAGrad
from crossspace.balance.dwa import DynamicWeightAverage
from crossspace.balance.famo import FAMO
from crossspace.balance.fixed import FixedWeights
from crossspace.balance.geometric_mean import GeometricMean
from crossspace.balance.gradients import Balance, accumulated_backward, balanced_backward
from crossspace.balance.imtl_g import IMTLG
from crossspace.balance.imtl_l import IMTLL
from crossspace.balance.mgda import MGDA
from crossspace.balance.nash import NashMTL
from crossspace.balance.pbi import PBI
from crossspace.balance.pcgrad import PCGrad
from crossspace.balance.pgm import ParetoGradientModulator
from crossspace.balance.random_weights import RandomWeights
from crossspace.balance.simplex import pareto_weights
from crossspace.balance.stch import STCH
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
    "FAMO",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "PBI",
    "STCH",
    "AlignedMTL",
    "Balance",
    "Balancer",
    "CAGrad",
    "DynamicWeightAverage",
    "FixedWeights",
    "GeometricMean",
    "NashMTL",
    "PCGrad",
    "ParetoGradientModulator",
    "RandomWeights",
    "UPGrad",
    "UncertaintyWeights",
    "accumulated_backward",
    "balanced_backward",
    "gram_matrix",
    "pareto_weights",
]
