"""Whether what comes later in a conversation changes what was said of earlier utterances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.errors import DataError

CHANGES = ("removed", "shuffled", "added")
"""What is done to the turns behind an utterance: all are left out, they are put in another order, or turns of another
conversation are put before them."""
CONFIDENT = 0.6
"""An utterance counts where its label was given with more confidence than this."""
PLACES = 8
"""Places of a conversation at which its rest is changed, evenly spread; all of them in a short one."""
_ADDED = 3

Infer = Callable[[Corpus], np.ndarray]
"""The probabilities (N, C) of all utterances of a corpus."""


@dataclass(frozen=True)
class Stability:
    """How steady a model is.

    Attributes:
        confident: utterances that count: those with something behind them, and a confident label.
        utterances: all with something behind them.
        changed: ``{change: those of them whose label it changed at some place}``.
        any: those whose label some change changed.
    """

    confident: int
    utterances: int
    changed: dict[str, int]
    any: int

    @property
    def share(self) -> float:
        """Of the confident utterances, the part whose label some change changed."""
        return self.any / self.confident if self.confident else 0.0


def stability(corpus: Corpus, split: str, infer: Infer, *, confident: float = CONFIDENT, seed: int = 0) -> Stability:
    """Change what comes after utterances of a split, and count whose labels change.

    Features of utterances stay as they are: an extractor that reads later turns adds to what is measured here.

    Args:
        corpus: with features.
        split: whose conversations are looked at.
        infer: of the model.
        confident: see :data:`CONFIDENT`.
        seed: of the order of shuffled turns, and of what is added.

    Raises:
        DataError: the split has no conversation of two utterances.
    """
    conversations = [c.without_labels() for c in corpus.split(split) if len(c) > 1]
    if not conversations:
        raise DataError(
            f"Steadiness is that of conversations of two utterances or more. Found none in the split {split!r} of "
            f"corpus {corpus.name!r}."
        )
    plain = dict(zip((c.id for c in conversations), _inferred(conversations, corpus, infer), strict=True))
    changed = {change: {c.id: np.zeros(len(c), dtype=bool) for c in conversations} for change in CHANGES}
    for change in CHANGES:
        variants, origins = [], []
        for number, conversation in enumerate(conversations):
            other = conversations[(number + 1) % len(conversations)]
            for place, variant in _variants(conversation, other, change, np.random.default_rng([seed, number])):
                variants.append(variant)
                origins.append((conversation.id, place))
        for (name, place), probabilities in zip(origins, _inferred(variants, corpus, infer), strict=True):
            differ = probabilities[:place].argmax(1) != plain[name][:place].argmax(1)
            changed[change][name][:place] |= differ
    return _counted(conversations, plain, changed, confident)


def _counted(
    conversations: Sequence[Conversation],
    plain: dict[str, np.ndarray],
    changed: dict[str, dict[str, np.ndarray]],
    confident: float,
) -> Stability:
    # The last utterance has nothing behind it that could be changed.
    sure = {c.id: plain[c.id][:-1].max(1) > confident for c in conversations}
    by_change = {k: {c.id: found[c.id][:-1] & sure[c.id] for c in conversations} for k, found in changed.items()}
    some = sum(int(np.logical_or.reduce([by_change[k][c.id] for k in CHANGES]).sum()) for c in conversations)
    return Stability(
        sum(int(s.sum()) for s in sure.values()),
        sum(len(c) - 1 for c in conversations),
        {k: sum(int(x.sum()) for x in found.values()) for k, found in by_change.items()},
        some,
    )


def _variants(
    conversation: Conversation, other: Conversation, change: str, generator: np.random.Generator
) -> Iterator[tuple[int, Conversation]]:
    """``(utterances that stay, conversation with another rest)`` at several places."""
    said, count = conversation.utterances, len(conversation)
    for place in np.unique(np.linspace(1, count - 1, min(PLACES, count - 1)).round().astype(int)):
        kept, rest = said[:place], said[place:]
        if change == "removed":
            changed = kept
        elif change == "shuffled":
            changed = (*kept, *(rest[i] for i in generator.permutation(len(rest))))
        else:
            changed = (*kept, *other.utterances[:_ADDED], *rest)
        yield int(place), Conversation(conversation.id, changed)


def _inferred(conversations: Sequence[Conversation], corpus: Corpus, infer: Infer) -> list[np.ndarray]:
    """The probabilities of each conversation, in their order."""
    width = len(str(len(conversations)))
    named = [
        Conversation(
            f"{number:0{width}d}",
            tuple(replace(u, id=f"{number:0{width}d}_{place}") for place, u in enumerate(c.utterances)),
        )
        for number, c in enumerate(conversations)
    ]
    # A corpus sorts by id: numbers of one width keep the order.
    made = Corpus({"test": named}, corpus.spec, name=corpus.name, extractors=corpus.extractors)
    ends = np.cumsum([len(c) for c in conversations])
    return np.split(infer(made), ends[:-1])
