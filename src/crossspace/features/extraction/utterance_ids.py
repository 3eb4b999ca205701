"""What utterances are called: as their source calls them, wherever that tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crossspace.data.conversation import Conversation
from crossspace.transcripts.transcript import Cue


def ids_of(conversation: str, cues: Sequence[Cue]) -> list[str]:
    """The ids of the utterances of one conversation.

    They are those of the source, where it has one for each and all are different, and otherwise
    ``<conversation>_<position>``.
    """
    own_ids = [cue.id for cue in cues if cue.id is not None]
    if len(set(own_ids)) == len(cues):
        return own_ids
    return [f"{conversation}_{position}" for position in range(len(cues))]


def with_unique_ids(conversations: Sequence[Conversation]) -> list[Conversation]:
    """The conversations of one corpus, whose utterances need ids of their own.

    Ids stay where no two are the same. Those that are counted anew in every conversation, as in the tables of MELD,
    are all preceded by the id of the conversation, ``<conversation>_<id>``; so are the numbers of a single
    conversation, which would be counted anew in the next one.
    """
    ids = [u.id for c in conversations for u in c.utterances]
    alone = len(conversations) == 1 and all(name.isdecimal() for name in ids)
    if len(set(ids)) == len(ids) and not alone:
        return list(conversations)
    return [_preceded(c) for c in conversations]


def _preceded(conversation: Conversation) -> Conversation:
    before = f"{conversation.id}_"
    # Made-up ids carry the conversation already and should not carry it twice.
    named = [u if u.id.startswith(before) else replace(u, id=before + u.id) for u in conversation.utterances]
    return replace(conversation, utterances=tuple(named))
