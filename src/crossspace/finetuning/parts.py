"""The encoders of a fine-tuning, and who encodes what: no utterance by an encoder that has seen its label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import Rule
from crossspace.errors import UsageError
from crossspace.features.finetuned.settings import ALL, FOLDS


@dataclass(frozen=True)
class Part:
    """One encoder.

    Attributes:
        seed: of its training.
        name: ``all``, or ``fold-1`` and so on.
        held_out: training conversations that it does not see, and encodes.
    """

    seed: int
    name: str
    held_out: frozenset[str] = frozenset()

    @property
    def folder(self) -> str:
        """Below the folder of the fine-tuning."""
        return f"seed-{self.seed}/{self.name}"


def check_folds(folds: int, others: str) -> None:
    """Whether there can be such folds.

    Raises:
        UsageError: a single one, or fewer than none; or ``folds`` encode the others and there are none.
    """
    if folds == 1 or folds < 0:
        raise UsageError(f"`folds` should be at least 2, or 0 for none. Found {folds}.")
    if others not in (ALL, FOLDS) or (others == FOLDS and not folds):
        raise UsageError(f"`others` should be 'all', or 'folds' where there are folds. Found {others!r}.")


def parts_of(
    corpus: Corpus, rows: Sequence[tuple[str, str]], folds: int, seeds: Sequence[int], others: str = ALL
) -> list[Part]:
    """The encoders of a fine-tuning.

    Args:
        corpus: whose training conversations are cut, by the rule by which its splits were.
        rows: conversation and label of every training utterance that can be learned from.
        folds: how many; 0 cuts none, and every training utterance is encoded by an encoder that has seen it.
        seeds: one set of encoders for each.
        others: what encodes validation and test, ``all`` or ``folds``.

    Raises:
        UsageError: fewer conversations than folds, or a label that only one fold has.
    """
    check_folds(folds, others)
    held = [frozenset(f) for f in Rule.of(corpus).folds(corpus.conversation_ids("train"), folds)] if folds else []
    for number, fold in enumerate(held, start=1):
        _check_labels(rows, number, fold, folds)
    names = ([] if others == FOLDS else [(ALL, frozenset[str]())]) + [(f"fold-{n}", f) for n, f in enumerate(held, 1)]
    return [Part(seed, name, held_out) for seed in seeds for name, held_out in names]


def _check_labels(rows: Sequence[tuple[str, str]], number: int, fold: frozenset[str], folds: int) -> None:
    inside = Counter(label for conversation, label in rows if conversation in fold)
    whole = Counter(label for _, label in rows)
    lost = [f"{label} ({whole[label]})" for label in sorted(inside) if inside[label] == whole[label]]
    if lost:
        raise UsageError(
            f"Fold {number} of {folds} holds all training utterances of {', '.join(lost)}, which its encoder would not "
            "learn. Use another number of folds, or leave so rare a label out ('crossspace extract --unlabelled', or "
            "merge it with a related one)."
        )
