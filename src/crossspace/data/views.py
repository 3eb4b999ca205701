"""What the description of a corpus becomes when some of its conversations move, or some of its modalities are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossspace.data.split import known_split
from crossspace.data.store.metadata import Metadata
from crossspace.errors import UsageError, suggestion

_FEW = 1000
"""Names up to which a similar one is looked for: the search compares with each of them."""


def moved_splits(
    name: str,
    conversation_ids: Sequence[str],
    splits: Sequence[str | None],
    moves: Mapping[str, str | None],
) -> tuple[str | None, ...]:
    """(B,) the split of every conversation after ``moves``, ``{conversation id: split or None}``.

    Args:
        name: of the corpus, for messages.
        conversation_ids: (B,).
        splits: (B,) before.
        moves: conversations that are not named stay where they are.

    Raises:
        UsageError: a conversation or a split is not known.
    """
    places = {conversation: place for place, conversation in enumerate(conversation_ids)}
    moved = list(splits)
    for conversation, split in moves.items():
        if conversation not in places:
            near = suggestion(conversation, places) if len(places) < _FEW else ""
            raise UsageError(f"Corpus {name!r} has no conversation {conversation!r}. {near}")
        moved[places[conversation]] = None if split is None else known_split(split)
    return tuple(moved)


def with_cut(
    metadata: Metadata,
    before: Sequence[str | None],
    after: Sequence[str | None],
    cut: Mapping[str, Any] | None,
) -> Metadata:
    """The description of a corpus whose splits were ``before`` and are ``after``, by the rule ``cut`` if it has one."""
    changed = {split for old, new in zip(before, after, strict=True) if old != new for split in (old, new)}
    # A ceiling was measured on the very conversations of its split: of others it says nothing.
    ceilings = {split: best for split, best in metadata.ceilings.items() if split not in changed}
    # A rule is stated as long as it is true: whoever moves conversations by hand leaves none.
    stated = metadata.cut if cut is None and not changed else cut or {}
    return replace(metadata, ceilings=ceilings, cut=stated)


def with_modalities(metadata: Metadata, names: Sequence[str]) -> Metadata:
    """The description with some modalities only, in the order of the corpus.

    Raises:
        UsageError: no modality is named, or one that the corpus lacks.
    """
    known = metadata.spec.widths
    if not names or any(name not in known for name in names):
        raise UsageError(
            f"Corpus {metadata.name!r} has the modalities {list(known)}; at least one of them should be named. "
            f"Found {list(names)}."
        )
    widths = {m: width for m, width in known.items() if m in names}
    extractors = {m: identity for m, identity in metadata.extractors.items() if m in widths}
    # The best that can be done with all modalities is no bound for a part of them that anybody has measured.
    ceilings = metadata.ceilings if len(widths) == len(known) else {}
    return replace(metadata, spec=metadata.spec.with_widths(widths), extractors=extractors, ceilings=ceilings)
