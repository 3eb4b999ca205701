"""The records of a whole conversation, each utterance in the context of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from crossspace.batching.collate import collate
from crossspace.data.conversation import Conversation
from crossspace.inference.infer import infer
from crossspace.inference.utterance_records import coalitions, utterance_records
from crossspace.models.base import Model


def read_whole(
    model: Model, conversation: Conversation, contributions: bool = True, speakers: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """The records of a conversation, each in the context of the whole; labels are not looked at.

    Args:
        model: what judges.
        conversation: what is judged.
        contributions: whether to say what each modality adds.
        speakers: indices of the speaker of every utterance, where they were numbered in more than this conversation.
    """
    if not conversation.utterances:
        return []
    # Labels that the model does not know may be there, and are of no use here.
    batch = collate([conversation.without_labels()], model.task)
    if speakers is not None:
        batch = replace(batch, speakers=torch.tensor(speakers))
    # Only what the conversation has: every further player would double the passes and get 0.
    present = [m for m in model.task.modalities if bool(batch.present[m].any())]
    said = {
        coalition: infer(model, [batch.keep(coalition)])
        for coalition in coalitions(present)[0 if contributions else -1 :]
    }
    ids = [u.id for u in conversation.utterances]
    return utterance_records(ids, model.task.labels, said, [present if contributions else []] * len(batch))
