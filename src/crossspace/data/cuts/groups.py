"""Groups of conversations that belong together: a session, speakers who meet again, what their ids begin with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crossspace.data.corpus import Corpus
from crossspace.data.split import ALL
from crossspace.errors import UsageError

SESSION = r"Ses\d+"
"""The sessions of IEMOCAP: ``Ses01`` of ``Ses01F_impro01``."""


def groups_by(corpus: Corpus, what: str) -> dict[str, str]:
    """``{conversation id: group}``.

    Args:
        corpus: whose conversations.
        what: ``speaker``: conversations with a speaker's name in common, directly or over others; ``session``: by
            :data:`SESSION`; otherwise a regular expression: what it finds at the beginning of a conversation id (its
            first bracket, if it has one).

    Raises:
        UsageError: it is no regular expression, or an id has no group.
    """
    if what == "speaker":
        return _meeting(corpus)
    try:
        expression = re.compile(SESSION if what == "session" else what)
    except re.error as error:
        raise UsageError(f"After 'group:' a regular expression is expected. Found {what!r} ({error}).") from error
    matches = {name: expression.match(name) for name in corpus.conversation_ids(ALL)}
    # bool(groups) is the number of the group: 1 for the first bracket, 0 for the whole match where there is none.
    return complete(corpus, {name: match.group(bool(expression.groups)) for name, match in matches.items() if match})


def complete(corpus: Corpus, groups: Mapping[str, str | None]) -> dict[str, str]:
    """The groups of all conversations.

    Raises:
        UsageError: a conversation has none.
    """
    names = corpus.conversation_ids(ALL)
    lacking = [name for name in names if not groups.get(name)]
    if lacking:
        raise UsageError(
            f"Every conversation should be in a group. {len(lacking)} of {len(names)} are in none, such as "
            f"{lacking[0]!r}. Write an expression that fits the beginning of every id, such as 'group:[^_]+'."
        )
    return {name: str(groups[name]) for name in names}


def _meeting(corpus: Corpus) -> dict[str, str]:
    """Groups called by the first, in the order of the alphabet, of their speakers."""
    names, speakers = corpus.conversation_ids(ALL), iter(corpus.speaker_names(ALL))
    heads: dict[str, str] = {}

    def head(speaker: str) -> str:
        while heads.setdefault(speaker, speaker) != speaker:
            # Union-find with path halving: without it, long chains of meetings cost the square of their length.
            heads[speaker] = heads[heads[speaker]]
            speaker = heads[speaker]
        return speaker

    member: dict[str, str] = {}
    for name, length in zip(names, corpus.lengths(ALL), strict=True):
        present = {next(speakers) for _ in range(length)}
        member[name] = min(present)
        for other in present:
            first, second = sorted((head(member[name]), head(other)))
            # The smaller name becomes the head, so that a group is called the same whatever the order of the
            # conversations.
            heads[second] = first
    return {name: head(speaker) for name, speaker in member.items()}
