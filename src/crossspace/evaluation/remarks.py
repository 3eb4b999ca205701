"""What a reader of scores should know besides them: facts that are easily taken for faults, or overlooked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossspace.evaluation.captions import METRIC_CAPTIONS

FAR = 0.05
"""Validation and test farther apart than this, and farther than the interval of the test score, deserve a word."""
UNLIKE = 0.1
"""Label shares of validation and train farther apart than this (total variation distance) deserve a word."""
FEW = 10
"""An emotion with fewer utterances in training is called rare."""


@dataclass(frozen=True)
class Remark:
    """A heading of a few words, what is to be said, and whether it weakens the scores.

    A remark that does not is a note, for something that only looks odd.
    """

    heading: str
    text: str
    weakens: bool = True

    def __str__(self) -> str:
        """On a line of a terminal."""
        return f"{'Warning' if self.weakens else 'Note'}: {self.heading}. {self.text}"


def remarks(
    results: Mapping[str, Any],
    *,
    chosen: Sequence[float] = (),
    training_labels: Mapping[str, int] | None = None,
    validation: Mapping[str, Any] | None = None,
    seen: Mapping[str, Mapping[str, int]] | None = None,
) -> list[Remark]:
    """What is remarkable about the results of a run.

    Args:
        results: content of ``results.json``.
        chosen: weighted F1 of the kept epoch of every seed on the split that chose it.
        training_labels: utterances of every emotion in training, where known.
        validation: how far the validation split is from train, as
            :func:`~crossspace.data.summary.validation_summary` says it, where known.
        seen: ``{split: {modality: utterances}}`` whose features come from an encoder trained on their labels.
    """
    return [
        *_in_sample(seen or {}),
        *_gap(results, chosen),
        *_classes(results, training_labels or {}),
        *_chosen_by(results, validation or {}),
    ]


def remarks_of_run(results: Mapping[str, Any], environment: Mapping[str, Any]) -> list[Remark]:
    """The remarks about a run folder, from its ``results.json`` and ``environment.json``, of whatever age."""
    chosen = [float(seed["best_score"]) for seed in environment.get("chosen", ())]
    corpus = environment["corpus"]
    return remarks(
        results,
        chosen=chosen,
        training_labels=corpus.get("training_labels"),
        validation=corpus.get("validation"),
        seen=corpus.get("seen"),
    )


def ceiling_of(results: Mapping[str, Any]) -> float | None:
    """The accuracy that nobody can expect to surpass, where the corpus knows it."""
    accuracy = (results.get("ceiling") or {}).get("accuracy")
    return None if accuracy is None else float(accuracy)


def _gap(results: Mapping[str, Any], chosen: Sequence[float]) -> Iterator[Remark]:
    if not chosen or results["protocol"] != "validation" or results["split"] != "test":
        return
    metric = results["metrics"]["weighted_f1"]
    validation, test, interval = sum(chosen) / len(chosen), metric["mean"], metric.get("interval")
    # Within the interval, luck with the test conversations explains the gap well enough.
    inside = interval is not None and interval[0] <= validation <= interval[1]
    if abs(validation - test) <= FAR or inside:
        return
    beyond = "" if interval is None else " and beyond the interval of the test score"
    rule = f"more than {100 * FAR:.0f} points{beyond}"
    causes = "a validation or test split of few conversations; splits that differ in speakers, topics or emotions"
    # The other way round these causes would make validation better, not worse.
    if validation > test:
        causes = (
            "features made by an encoder that saw the labels of the validation conversations; a validation split that "
            f"shares speakers or dialogues with training; {causes}"
        )
    yield Remark(
        "Validation and test are far apart",
        f"{METRIC_CAPTIONS['weighted_f1']} is {100 * validation:.1f} in validation and {100 * test:.1f} in test, "
        f"{100 * abs(validation - test):.1f} points apart ({rule}). The scores are computed in the same way; what may "
        f"cause this: {causes}. The test score is the one to report.",
        weakens=False,
    )


def _in_sample(seen: Mapping[str, Mapping[str, int]]) -> Iterator[Remark]:
    if not seen:
        return
    counts = [f"{n:,} of {split} ({modality})" for split, found in seen.items() for modality, n in found.items()]
    judged = [split for split in seen if split != "train"]
    follows = (
        f"Scores in {' and '.join(judged)} are those of labels that the features already knew: they are too high."
        if judged
        else "Training saw features that fit its labels better than any new utterance will have them."
    )
    yield Remark(
        "In-sample features",
        f"Utterances whose features come from an encoder that was trained on their labels: {', '.join(counts)}. "
        f"{follows} 'crossspace finetune' without --in-sample makes features without this.",
    )


def _classes(results: Mapping[str, Any], training: Mapping[str, int]) -> Iterator[Remark]:
    support = {str(label): int(scores["support"]) for label, scores in results["per_class"].items()}
    # A label that training does not list is one of a run of an older release, where nothing is known.
    unseen = [label for label in support if training.get(label) == 0 and support[label]]
    rare = [label for label in support if 0 < training.get(label, 0) < FEW]
    absent = [label for label, count in support.items() if not count]
    if unseen:
        yield Remark(
            "Never seen in training",
            f"{_counted(unseen, support, results['split'])}, and training never shows {_those(unseen)}. What was never "
            "shown cannot be learnt: the F1 is 0 but for luck. Merge the label with a related one before importing, "
            "import with splits in which every emotion occurs in training, or leave these utterances unlabelled.",
        )
    if rare:
        yield Remark(
            "Rare in training",
            f"Fewer than {FEW} training utterances: {', '.join(f'{label} ({training[label]})' for label in rare)}. "
            "What is learnt from so few is mostly luck. Merge the label with a related one, or give rare emotions more "
            "weight (--training.class_weights balanced).",
        )
    if absent:
        yield Remark(
            f"Without utterances in {results['split']}",
            f"Nobody expresses {', '.join(absent)} in this split: precision, recall and F1 of {_those(absent)} say "
            f"nothing, and the averages over emotions leave {_those(absent)} out.",
        )


def _chosen_by(results: Mapping[str, Any], validation: Mapping[str, Any]) -> Iterator[Remark]:
    """Whether the split that chose the epoch is one to choose by."""
    if results["protocol"] != "validation" or not validation:
        return
    difference = validation.get("difference") or {}
    said = [validation["advice"]] if validation.get("advice") else []
    if difference.get("distance", 0.0) > UNLIKE:
        said.insert(
            0,
            f"{100 * difference['found']:.1f} % of its utterances are {difference['label']}, against "
            f"{100 * difference['reference']:.1f} % of those in train (label shares differ by "
            f"{100 * difference['distance']:.1f} % in all). 'crossspace data split --cut stratified' cuts it alike.",
        )
    if said:
        yield Remark("The validation split decides little", " ".join(said), weakens=False)


def _those(labels: Sequence[str]) -> str:
    return "it" if len(labels) == 1 else "them"


def _counted(labels: Sequence[str], support: Mapping[str, int], split: str) -> str:
    said = [f"{label} ({support[label]} utterance{'s' * (support[label] != 1)})" for label in labels]
    return f"The {split} split holds {', '.join(said)}"
