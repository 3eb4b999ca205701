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


def parts_of(corpus: Corpus, folds: int, seeds: Sequence[int], others: str = ALL) -> list[Part]:
    """The encoders of a fine-tuning.

    Args:
        corpus: whose training conversations are cut, by the rule by which its splits were.
        folds: how many; 0 cuts none, and every training utterance is encoded by an encoder that has seen it.
        seeds: one set of encoders for each.
        others: what encodes validation and test, ``all`` or ``folds``.

    Raises:
        UsageError: fewer conversations than folds, or a label that only one fold has.
    """
    if folds == 1 or folds < 0:
        raise UsageError(f"`folds` should be at least 2, or 0 for none. Found {folds}.")
    if others not in (ALL, FOLDS) or (others == FOLDS and not folds):
        raise UsageError(f"`others` should be 'all', or 'folds' where there are folds. Found {others!r}.")
    held = [frozenset(f) for f in Rule.of(corpus).folds(corpus.conversation_ids("train"), folds)] if folds else []
    for number, fold in enumerate(held, start=1):
        _check_labels(corpus, number, fold, folds)
    names = ([] if others == FOLDS else [(ALL, frozenset[str]())]) + [(f"fold-{n}", f) for n, f in enumerate(held, 1)]
    return [Part(seed, name, held_out) for seed in seeds for name, held_out in names]


def _check_labels(corpus: Corpus, number: int, fold: frozenset[str], folds: int) -> None:
    table = corpus.utterances("train")
    rows = [
        (label, conversation in fold)
        for label, text, conversation in zip(
            *(table[name].to_pylist() for name in ("label", "text", "conversation_id")), strict=True
        )
        if label is not None and text and text.strip()
    ]
    inside, whole = Counter(label for label, held in rows if held), Counter(label for label, _ in rows)
    lost = [f"{label} ({whole[label]})" for label in sorted(inside) if inside[label] == whole[label]]
    if lost:
        raise UsageError(
            f"Fold {number} of {folds} holds all training utterances of {', '.join(lost)}, which its encoder would not "
            "learn. Use another number of folds, or leave so rare a label out ('crossspace extract --unlabelled', or "
            "merge it with a related one)."
        )
