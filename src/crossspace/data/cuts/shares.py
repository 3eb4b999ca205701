"""How far the validation split is from what a model is trained on, and whether it is large enough to choose by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEW_CONVERSATIONS = 30
FEW_UTTERANCES = 10
"""Below these numbers of validation conversations, or of utterances of a label, a choice on them is largely chance."""


@dataclass(frozen=True)
class ShareDifference:
    """How the shares of the labels in one split differ from those in another.

    Attributes:
        distance: total variation distance, from 0 (the same shares) to 1: half the sum of the absolute differences.
        label: that whose share differs most.
        reference, found: its share in the split that is compared with, and in that which is compared.
    """

    distance: float
    label: str
    reference: float
    found: float

    def __str__(self) -> str:
        return (
            f"total variation distance of the label shares {100 * self.distance:.1f} %, most for {self.label!r} "
            f"({100 * self.found:.1f} % against {100 * self.reference:.1f} %)"
        )


def share_difference(reference: Mapping[str, int], found: Mapping[str, int]) -> ShareDifference | None:
    """Compare the labelled utterances of two splits.

    Args:
        reference: ``{label: utterances}``, usually of train.
        found: the same of the split in question, usually validation.

    Returns:
        ``None`` where one of the two holds no labelled utterance.
    """
    labels = list(dict.fromkeys((*reference, *found)))
    totals = sum(reference.values()), sum(found.values())
    if not all(totals):
        return None
    shares = {label: (reference.get(label, 0) / totals[0], found.get(label, 0) / totals[1]) for label in labels}
    most = max(labels, key=lambda label: abs(shares[label][0] - shares[label][1]))
    # Half: what one label has too much, the others have too little, and is counted twice.
    distance = sum(abs(a - b) for a, b in shares.values()) / 2
    return ShareDifference(distance, most, *shares[most])


def validation_advice(conversations: int, labels: Mapping[str, int]) -> str | None:
    """What to do instead where a validation split is too small to choose by; ``None`` where it is not.

    Args:
        conversations: how many are in the validation split.
        labels: ``{label: utterances}`` there.
    """
    few = min(labels, key=lambda label: labels[label]) if labels else None
    reasons = []
    if conversations < FEW_CONVERSATIONS:
        reasons.append(_counted(conversations, "conversation"))
    if few is not None and labels[few] < FEW_UTTERANCES:
        reasons.append(f"{_counted(labels[few], 'utterance')} of {few!r}")
    if not reasons or not conversations:
        return None
    return (
        f"The validation split holds only {' and '.join(reasons)}: which model is best there is largely chance. "
        "'crossspace tune' compares over folds of all conversations outside of test."
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
