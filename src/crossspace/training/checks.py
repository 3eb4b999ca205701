"""Whether a corpus has what a training needs, asked before anything is written or computed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from crossspace.balance.base import Balancer, Needs, Space
from crossspace.data.seen import CLIPS, seen_in_words, seen_utterances
from crossspace.data.task import UNLABELLED
from crossspace.errors import UnsuitableError, UsageError, suggestion
from crossspace.models.answers import checked_parameters, seen
from crossspace.models.base import Model
from crossspace.nn.batch_norm import BatchNorm
from crossspace.objectives.base import Objective, Part
from crossspace.objectives.modulation import Modulation
from crossspace.runtime import total_memory
from crossspace.training.options import TrainingOptions

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


_FEW_SEEN = 0.05
"""Part of a split that its encoders may have seen: official splits repeat a conversation now and then."""


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
    _check_clips(corpus)
    _check_unseen(corpus, options)
    _check_sentiments(corpus, objectives_of(model), model)
    _check_length(corpus, options, model)
    check_divisible(model, objectives_of(model), options.accumulate, processes)
    _check_groups(model)
    checked_parameters(model, "shared_parameters", model.shared_parameters())
    modulation = model.modulation()
    if modulation is not None and not isinstance(modulation, Modulation):
        raise UsageError(
            f"Model {model.name!r}: `modulation` should return a `Modulation` or None. Found {seen(modulation)}. "
            f"Mend `{type(model).__qualname__}.modulation`."
        )


def check_balancer(balancer: Balancer) -> None:
    """Whether a balancer says of itself what the step can follow.

    Raises:
        UsageError: `needs`, `space`, `every` or `looks_back` is something else than there is.
    """
    every = balancer.every
    for name, expected, fine in (
        ("needs", "'losses' or 'gram'", balancer.needs in get_args(Needs)),
        ("space", "'parameters' or 'representation'", balancer.space in get_args(Space)),
        ("every", "a whole number of at least 1", isinstance(every, int) and every >= 1),
        ("looks_back", "True or False", isinstance(balancer.looks_back, bool)),
    ):
        if not fine:
            raise UsageError(
                f"Balancer {balancer.name!r}: `{name}` should be {expected}. Found {getattr(balancer, name)!r}. "
                f"Mend `{type(balancer).__qualname__}`."
            )


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


def _check_clips(corpus: Corpus) -> None:
    """Features that are none: addresses of what is heard or seen, which only fine-tuning reads.

    Raises:
        UsageError: a modality is such.
    """
    for modality, made in corpus.extractors.items():
        if made.get("name") == CLIPS:
            others = [m for m in corpus.spec.modalities if m != modality]
            without = f", or leave it out: --training.modalities '[{', '.join(others)}]'" if others else ""
            raise UsageError(
                f"The {modality} features of corpus {corpus.name!r} are addresses of files, kept for 'crossspace "
                f"finetune --modality {modality}'; they say nothing of emotions. Make features of them by that "
                f"command{without}."
            )


def _check_unseen(corpus: Corpus, options: TrainingOptions) -> None:
    """Features that know nothing of the labels that are to judge them, but for a few that the report names.

    Raises:
        UsageError: an encoder was trained on many labels of the split that chooses, or of the test split.
    """
    for split in dict.fromkeys((deciding_split(options), "test")):
        seen, size = seen_utterances(corpus, split), sum(corpus.lengths(split))
        if max(seen.values(), default=0) > _FEW_SEEN * size and not options.in_sample:
            raise UsageError(
                f"What judges a model should be new to the encoders of its features. In the split {split!r} of corpus "
                f"{corpus.name!r}, {seen_in_words(seen)} of {size:,} utterances have features "
                "from an encoder that was trained on their labels. Make them again with encoders that were not "
                "('crossspace finetune' does by itself), or accept scores that are too high: --training.in_sample true."
            )


def _check_sentiments(corpus: Corpus, objectives: Sequence[Objective], model: Model) -> None:
    """A second label where an objective compares with one.

    Raises:
        UnsuitableError: no utterance of the training split has one.
    """
    asking = [o.name for o in objectives if o.needs_sentiments]
    if asking and not (corpus.sentiments("train") != UNLABELLED).any():
        weights = [f"`model.{name}_weight`" for name in asking if f"{name}_weight" in model.arguments]
        without = f"set {' and '.join(weights)} to 0" if weights else "use a model without it"
        raise UnsuitableError(
            f"The objective {asking[0]!r} compares with sentiments. Found none in the training split of corpus "
            f"{corpus.name!r}: it has no column `sentiment`, and its labels {list(corpus.spec.labels)} imply none. Add "
            f"the column and import it again, or {without}."
        )


def _check_length(corpus: Corpus, options: TrainingOptions, model: Model) -> None:
    """Memory for the longest conversation, where a model keeps something for every two of its utterances.

    Raises:
        UnsuitableError: it would be more than the machine has.
    """
    memory, each = total_memory(), 4.0 * model.numbers_per_pair()
    if memory is None or not each:
        return
    for split in ("train", deciding_split(options), "test"):
        lengths = corpus.lengths(split)
        longest = max(lengths, default=0)
        # Without gradients a layer is forgotten as soon as the next one is there; a tenth is still a low guess.
        needed = each * longest**2 * (1.0 if split == "train" else 0.1)
        if needed > memory:
            name = corpus.conversation_ids(split)[lengths.index(longest)]
            raise UnsuitableError(
                f"Model {model.name!r} keeps {model.numbers_per_pair():,.0f} numbers for every two utterances of a "
                f"conversation. The {longest:,} of {name!r} in the split {split!r} would take "
                f"{needed / 1e9:,.0f} GB; this machine has {memory / 1e9:,.0f} GB of memory. Cut the conversation, or "
                "choose a model whose memory grows with the length alone."
            )


def objectives_of(model: Model) -> list[Objective]:
    """The objectives of a model.

    Raises:
        UsageError: there is none, one is no objective, or two have one name, by which histories tell them apart.
    """
    stated = model.objectives()
    advice = f"Mend `{type(model).__qualname__}.objectives`."
    if not isinstance(stated, (list, tuple)) or not stated or not all(isinstance(o, Objective) for o in stated):
        found = [type(o).__name__ for o in stated] if isinstance(stated, (list, tuple)) else type(stated).__name__
        raise UsageError(
            f"Model {model.name!r}: `objectives` should return a list of one objective or more. Found {found}. {advice}"
        )
    names = [o.name for o in stated]
    if not all(isinstance(name, str) and name.isprintable() for name in names) or len(set(names)) < len(names):
        raise UsageError(f"Model {model.name!r}: objectives should have names of their own. Found {names}. {advice}")
    return list(stated)


def check_parts(objective: Objective, parts: Any) -> dict[str, Part]:
    """What an objective returned.

    Raises:
        UsageError: it is no mapping from names to parts, each of two scalar tensors.
    """
    if not isinstance(parts, dict) or not parts or not all(_is_part(part) for part in parts.values()):
        found = {k: _seen(v) for k, v in parts.items()} if isinstance(parts, dict) else seen(parts)
        raise UsageError(
            f"Objective {objective.name!r}: `parts` should return `Part(total, count)` by name, two tensors of a "
            f"single number each. Found {found}. Mend `{type(objective).__qualname__}.parts`."
        )
    return parts


def check_counts(objectives: Sequence[Objective], parts: Sequence[Mapping[str, Part]]) -> None:
    """Whether all counts are finite and none is below 0; where nothing was counted, nothing was added up.

    Raises:
        UsageError: one is not: the mean would be another than is meant, or a gradient would go nowhere.
    """
    for objective, one in zip(objectives, parts, strict=True):
        for name, part in one.items():
            total, count = float(part.total.detach()), float(part.count.detach())
            if not 0 <= count < math.inf or (count == 0 and total != 0):
                raise UsageError(
                    f"Objective {objective.name!r}: the count of its part {name!r} should be the number of rows, or "
                    f"the sum of their weights, behind its total. Found {count:g} for a total of {total:g}. Mend "
                    f"`{type(objective).__qualname__}.parts`."
                )


def _is_part(part: Any) -> bool:
    return isinstance(part, Part) and all(isinstance(x, Tensor) and x.dim() == 0 for x in (part.total, part.count))


def _seen(part: Any) -> str:
    return f"Part({seen(part.total)}, {seen(part.count)})" if isinstance(part, Part) else seen(part)


def check_divisible(model: Model, objectives: Sequence[Objective], micro_batches: int, processes: int) -> None:
    """Whether a batch may be divided over micro-batches and processes with the step of the whole batch as outcome.

    Raises:
        UsageError: an objective or a layer needs the whole batch in one place.
    """
    inseparable = [o for o in objectives if not o.separable]
    reasons = [f"its objective {o.name!r} compares its rows" for o in inseparable]
    if any(isinstance(m, (BatchNorm, _BatchNorm)) for m in model.modules()):
        reasons.append("its batch normalisation takes their statistics")
    # Of the two tables of released codes, whose entries follow the order of the batch; see `HypergraphWeights`.
    placed = any(getattr(module, "by_position", False) for module in model.modules())
    if placed:
        reasons.append("its weights belong to places in the batch")
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
    if processes > 1 and placed:
        raise UsageError(
            f"Model {model.name!r} trains in one process only: its weights belong to places in the batch, which begin "
            "again in every process. Use `--processes 1`, or weights that are shared."
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
    groups, factors = model.parameter_groups(), model.rate_factors()
    for method, stated in (("parameter_groups", groups), ("rate_factors", factors)):
        if not isinstance(stated, Mapping):
            raise UsageError(
                f"Model {model.name!r}: `{method}` should return a dictionary by name of the group. Found "
                f"{seen(stated)}. Mend `{type(model).__qualname__}.{method}`."
            )
    owner: dict[int, str] = {}
    for name, factor in factors.items():
        if name not in groups:
            raise UsageError(f"Rate factors name the parameter group {name!r}. {suggestion(name, groups)}")
        if not isinstance(factor, (int, float)) or not 0 <= factor < math.inf:
            raise UsageError(f"The rate factor of {name!r} should be a number of at least 0. Found {factor!r}.")
        for parameter in checked_parameters(model, "parameter_groups", groups[name]):
            # By identity: tensors are compared entry by entry.
            other = owner.setdefault(id(parameter), name)
            if other != name:
                raise UsageError(f"Parameter groups {other!r} and {name!r} share a parameter; give one of them a rate.")
