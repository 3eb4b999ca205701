"""UPGrad: the mean of the gradients, each moved until it harms no other."""

from __future__ import annotations

import numpy as np

from crossspace.balance.dual_cone import project_on_dual_cone
from crossspace.balance.gram import GramBalancer


class UPGrad(GramBalancer):
    """Unconflicting projection (Quinton and Rey 2024): the mean of the gradients, each moved until it harms no other.

    Every gradient is projected on the cone of directions that have no negative inner product with any gradient. Without
    conflicts the weights are 1 / K.

    Cost: one backward pass per objective; for each that conflicts, a least-squares problem with K unknowns on the host.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The projection is exact (:func:`~crossspace.balance.dual_cone.project_on_dual_cone`). The authors' library adds
        1e-4 to the diagonal of the matrix, so that the step conflicts a little, and calls a solver under the GPL.
    """

    name = "upgrad"
    about_weights = (
        "Each weight is at least one over the number of objectives, and that where no gradients conflict; "
        "the weights have no fixed sum."
    )

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        return project_on_dual_cone(np.eye(len(gram)) / len(gram), gram).sum(axis=0)
