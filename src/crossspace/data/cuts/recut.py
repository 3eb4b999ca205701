"""Splits of a corpus cut anew: by the hash of the ids, by the shares of the labels, or by groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.groups import complete, groups_by
from crossspace.data.cuts.rules import (
    VALIDATION_FRACTION,
    folds,
    group_folds,
    group_ids,
    stratified_folds,
    stratified_ids,
    validation_ids,
)
from crossspace.data.split import ALL
from crossspace.errors import UsageError, suggestion

HASH, STRATIFIED, GROUP, GIVEN = "hash", "stratified", "group:", "group:given"
RULES = (HASH, STRATIFIED, "group:session", "group:speaker", "group:EXPRESSION")
"""How conversations can be chosen; the first is the rule where none is named."""


def cut_validation(corpus: Corpus, rule: str = HASH, *, fraction: float = VALIDATION_FRACTION, seed: int = 0) -> Corpus:
    """The corpus with a validation split, cut from its train split; as it is where it has the one or lacks the other.

    Args:
        corpus: what is to be cut.
        rule: see :func:`resplit`.
        fraction: part of the train conversations; 0 cuts none.
        seed: of the choice.

    Raises:
        UsageError: the rule or the fraction is impossible.
    """
    if "train" not in corpus.splits or "validation" in corpus.splits or not fraction:
        return corpus
    return resplit(corpus, rule, fraction=fraction, seed=seed)


def resplit(
    corpus: Corpus,
    rule: str = HASH,
    *,
    fraction: float = VALIDATION_FRACTION,
    test_fraction: float | None = None,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
) -> Corpus:
    """The corpus with train and validation cut anew, and test too where a part of it is asked for.

    Rules: ``hash`` takes the first conversations in the order of a hash of their ids
    (:func:`~crossspace.data.cuts.rules.validation_ids`); ``stratified`` as many, with the labels of the whole
    (:func:`~crossspace.data.cuts.rules.stratified_ids`); ``group:...`` takes whole groups
    (:func:`~crossspace.data.cuts.groups.groups_by`, :func:`~crossspace.data.cuts.rules.group_ids`), so that none
    stands in two splits. The corpus states the cut, and ``crossspace tune`` cuts its folds by the same rule.

    Args:
        corpus: what is to be cut. Conversations in no split stay in none, unless all are.
        rule: one of the above.
        fraction: part of the conversations outside of test that become validation.
        test_fraction: part of all that becomes test, chosen first; without it the test split stays as it is.
        seed: of the choice.
        groups: ``{conversation id: group}``, in place of a rule.

    Raises:
        UsageError: the rule or a fraction is impossible, an id has no group, or a group would stand in two splits.
    """
    cut = Rule(corpus, rule, seed, groups)
    # A corpus without any split is opened as a whole: its conversations stand under None.
    opened = [s for s in corpus.splits or (None,) if s != "test" or test_fraction is not None]
    pool = [name for split in opened for name in corpus.conversation_ids(split)]
    if not pool:
        raise UsageError(f"Corpus {corpus.name!r} has no conversation outside of its test split that could be cut.")
    stated: dict[str, Any] = {"rule": cut.name, "fraction": fraction, "seed": seed}
    if groups is not None:
        stated["groups"] = cut.groups
    test: frozenset[str] = frozenset()
    if test_fraction is not None:
        stated["test_fraction"] = test_fraction
        test = cut.choose(pool, test_fraction)
    else:
        # Only where the test split stays: a new one is chosen by whole groups and cannot share any.
        cut.check(pool, corpus.conversation_ids("test"))
    rest = [name for name in pool if name not in test]
    moved: dict[str, str | None] = {**dict.fromkeys(test, "test"), **dict.fromkeys(rest, "train")}
    return corpus.with_splits(moved | dict.fromkeys(cut.choose(rest, fraction), "validation"), cut=stated)


def recut(corpus: Corpus, rule: str) -> Corpus:
    """A corpus whose validation split was cut when it was made, cut by another rule, with the same fraction and seed.

    Raises:
        UsageError: its validation split is that of the source, or it has none.
    """
    if not corpus.cut:
        reason = "the source brings one" if "validation" in corpus.splits else "nothing is cut here"
        raise UsageError(
            f"The rule {rule!r} is for a validation split that is cut from train, and {reason}. Leave the rule out, "
            "and cut the corpus anew with 'crossspace data split' if you must."
        )
    return resplit(corpus, rule, fraction=corpus.cut["fraction"], seed=corpus.cut["seed"])


def cut_in_words(cut: Mapping[str, Any]) -> str:
    """The record of a cut in words."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in cut.items() if key != "groups")


class Rule:
    """A rule made ready for a corpus.

    Args:
        corpus: whose conversations are chosen from.
        name: of the rule, see :func:`resplit`.
        seed: of the order.
        groups: ``{conversation id: group}``, in place of a rule.

    Raises:
        UsageError: there is no such rule, or a conversation has no group.
    """

    def __init__(
        self, corpus: Corpus, name: str = HASH, seed: int = 0, groups: Mapping[str, str] | None = None
    ) -> None:
        self.name, self._seed = name if groups is None else GIVEN, seed
        self._counts: dict[str, list[int]] = {}
        self.groups: dict[str, str] = {}
        if groups is not None:
            self.groups = complete(corpus, groups)
        elif name.startswith(GROUP) and name != GROUP:
            self.groups = groups_by(corpus, name.removeprefix(GROUP))
        elif name == STRATIFIED:
            self._counts = label_counts(corpus)
        elif name != HASH:
            raise UsageError(f"A rule is one of {', '.join(RULES)}. Found {name!r}. {suggestion(name, RULES)}")

    @classmethod
    def of(cls, corpus: Corpus) -> Rule:
        """The rule by which the splits of a corpus were cut, or the usual one; with seed 0."""
        return cls(corpus, corpus.cut.get("rule", HASH), groups=corpus.cut.get("groups"))

    def choose(self, ids: Collection[str], fraction: float = VALIDATION_FRACTION) -> frozenset[str]:
        """Some of these conversations, about this part of them.

        Raises:
            UsageError: the fraction is impossible, or all are of one group.
        """
        if self.groups:
            return group_ids({name: self.groups[name] for name in ids}, fraction, self._seed)
        if self._counts:
            return stratified_ids({name: self._counts[name] for name in ids}, fraction, self._seed)
        return validation_ids(ids, fraction, self._seed)

    def folds(self, ids: Collection[str], k: int) -> list[list[str]]:
        """These conversations in ``k`` parts.

        Raises:
            UsageError: there are fewer conversations, or groups, than parts.
        """
        if self.groups:
            return group_folds({name: self.groups[name] for name in ids}, k, self._seed)
        if self._counts:
            return stratified_folds({name: self._counts[name] for name in ids}, k, self._seed)
        return folds(ids, k, self._seed)

    def check(self, ids: Collection[str], closed: Collection[str]) -> None:
        """Refuse groups that stand in the test split as well, which stays as it is."""
        shared = sorted({self.groups[n] for n in ids} & {self.groups[n] for n in closed}) if self.groups else []
        if shared:
            raise UsageError(
                f"With '{self.name}' no group should stand in two splits. {len(shared)} stand in the test split and "
                f"outside of it, such as {shared[0]!r}. Cut the test split anew as well (--test-fraction of "
                "'crossspace data split'), or choose another rule."
            )


def label_counts(corpus: Corpus) -> dict[str, list[int]]:
    """``{conversation id: utterances of each label, and in the end of none}``."""
    names, lengths, labels = corpus.conversation_ids(ALL), corpus.lengths(ALL), corpus.labels(ALL)
    counts = np.zeros((len(names), len(corpus.spec.labels) + 1), dtype=np.int64)
    # Unlabelled becomes index -1, the last column. add.at, since plain indexing would count a repeated pair once.
    np.add.at(counts, (np.repeat(np.arange(len(names)), lengths), np.where(labels < 0, -1, labels)), 1)
    return dict(zip(names, counts.tolist(), strict=True))
