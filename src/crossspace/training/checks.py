"""Whether a corpus has what a training needs, asked before anything is written or computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossspace.data.task import UNLABELLED
from crossspace.errors import UsageError
from crossspace.training.options import TrainingOptions

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


def deciding_split(options: TrainingOptions) -> str:
    """The split on which the epoch to keep is chosen."""
    return "test" if options.protocol == "best-on-test" else "validation"


def check_training(corpus: Corpus, options: TrainingOptions) -> None:
    """Labels where training and choosing need them, and as many class weights as labels.

    Raises:
        UsageError: a split has no labelled conversation, or there is another number of class weights.
    """
    for split in ("train", deciding_split(options)):
        if not (corpus.labels(split) != UNLABELLED).any():
            raise UsageError(
                f"Protocol {options.protocol!r} needs labelled conversations in the split {split!r} of corpus "
                f"{corpus.name!r}. Found none. Import the corpus with a validation fraction, or with a split column."
            )
    chosen, labels = options.class_weights, list(corpus.spec.labels)
    if not isinstance(chosen, (str, int, float)) and len(chosen) != len(labels):
        raise UsageError(
            f"`class_weights` should be one number per label {labels}. Found {len(chosen)}: {list(chosen)}."
        )
