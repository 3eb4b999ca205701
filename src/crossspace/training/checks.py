"""Whether a corpus has what a training needs, asked before anything is written or computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch.nn.modules.batchnorm import _BatchNorm

from crossspace.data.task import UNLABELLED
from crossspace.errors import UsageError, suggestion
from crossspace.models.base import Model
from crossspace.nn.batch_norm import BatchNorm
from crossspace.objectives.base import Objective
from crossspace.training.options import TrainingOptions

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


def deciding_split(options: TrainingOptions) -> str:
    """The split on which the epoch to keep is chosen."""
    return "test" if options.protocol == "best-on-test" else "validation"


def check_training(corpus: Corpus, options: TrainingOptions, model: Model, processes: int) -> None:
    """Whether ``model`` can be trained on ``corpus`` in this way.

    Args:
        corpus: as the training sees it.
        options: of the training.
        model: with or without weights.
        processes: that train together.

    Raises:
        UsageError: labels are missing, or something does not fit something else.
    """
    _check_labels(corpus, options)
    check_divisible(model, model.objectives(), options.accumulate, processes)
    _check_groups(model)


def _check_labels(corpus: Corpus, options: TrainingOptions) -> None:
    """Labels where training and choosing need them, and as many class weights as labels.

    Raises:
        UsageError: a split has no labelled conversation, or there is another number of class weights.
    """
    # The test split is asked for where a whole run is checked.
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


def check_divisible(model: Model, objectives: Sequence[Objective], micro_batches: int, processes: int) -> None:
    """Whether a batch may be divided over micro-batches and processes with the step of the whole batch as outcome.

    Raises:
        UsageError: an objective or a layer needs the whole batch in one place.
    """
    inseparable = [o for o in objectives if not o.separable]
    reasons = [f"its objective {o.name!r} compares its rows" for o in inseparable]
    if any(isinstance(m, (BatchNorm, _BatchNorm)) for m in model.modules()):
        reasons.append("its batch normalisation takes their statistics")
    if micro_batches > 1 and reasons:
        raise UsageError(
            f"`training.accumulate` should be 1 for model {model.name!r}, which needs the whole batch at "
            f"once: {reasons[0]}. Use a smaller `training.batch_size` instead."
        )
    apart = [o for o in inseparable if not o.gathers]
    if processes > 1 and apart:
        raise UsageError(
            f"Model {model.name!r} trains in one process only: its objective {apart[0].name!r} compares rows of the "
            "whole batch and does not gather those of other processes. Use `--processes 1`."
        )
    if processes > 1 and any(isinstance(m, _BatchNorm) for m in model.modules()):
        raise UsageError(
            f"Model {model.name!r} trains in one process only: PyTorch's batch normalisation takes statistics of each "
            "process. Use `--processes 1`, or `crossspace.nn.batch_norm.BatchNorm` in the model."
        )


def _check_groups(model: Model) -> None:
    """Whether the rate factors of a model name parameter groups that have no parameter in common.

    Raises:
        UsageError: a group is unknown, a factor is not a number of at least 0, or a parameter stands in two groups.
    """
    groups = model.parameter_groups()
    owner: dict[int, str] = {}
    for name, factor in model.rate_factors().items():
        if name not in groups:
            raise UsageError(f"Rate factors name the parameter group {name!r}. {suggestion(name, groups)}")
        if not 0 <= factor < float("inf"):
            raise UsageError(f"The rate factor of {name!r} should be a number of at least 0. Found {factor}.")
        for parameter in groups[name]:
            # By identity: tensors are compared entry by entry.
            other = owner.setdefault(id(parameter), name)
            if other != name:
                raise UsageError(f"Parameter groups {other!r} and {name!r} share a parameter; give one of them a rate.")
