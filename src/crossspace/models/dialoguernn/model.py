"""DialogueRNN (Majumder et al., AAAI 2019), with attention over emotions, on all modalities at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_shares
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.dialoguernn.cell import DialogueEncoder
from crossspace.nn.attention import attend
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.standardise import Standardise
from crossspace.output import Output

_MORE = 0.15
"""The released code drops this much more of what the recurrences give than of anything else."""


class DialogueRNN(Model):
    """Recurrences over the conversation, over every speaker and over the emotion, in both directions.

    The features of all modalities are concatenated. Three interleaved GRUs read them forwards and backwards; attention
    over all emotion representations of the conversation and one hidden layer lead to the classes.

    Args:
        task: labels, modalities and speakers.
        global_width: of the state of the conversation.
        party_width: of the state of a speaker.
        emotion_width: of the emotion representation of one direction.
        head_width: half the width of the hidden layer of the classifier.
        dropout: before the classes; the emotion representations lose 0.15 more.
        recurrent_dropout: on the states inside the recurrences; the next step receives what is left.
        listener: update the states of those who do not speak too.
        context_attention: ``general`` scores preceding global states g by ``g . (W u)`` with the utterance u,
            ``simple`` by ``w . g``.
        emotion_attention: attend to the emotion representations of the whole conversation.
        standardise: scale features by mean and deviation of the training split; the released code does not.
        causal: read forwards only and attend to the emotions so far, as a stream needs it.

    Note:
        The published model reads text; what is credited to it as multimodal concatenates the features, as here, in the
        order of the task. Features are only ever read by linear maps, whose sum a zero leaves out: this is how a
        missing modality is left out (with ``standardise`` after the scaling). An utterance of which nothing is there is
        still a turn of its speaker.

        The attention over emotions of the released code can divide zero by zero on padding; here there is none.
    """

    name = "dialoguernn"
    citation = (
        "Majumder et al., DialogueRNN: An Attentive RNN for Emotion Detection in Conversations, AAAI 2019, "
        "doi:10.1609/aaai.v33i01.33016818"
    )
    no_graph = "its states of the speakers are read and written step by step"

    def __init__(
        self,
        task: TaskSpec,
        *,
        global_width: int = 500,
        party_width: int = 500,
        emotion_width: int = 300,
        head_width: int = 300,
        dropout: float = 0.1,
        recurrent_dropout: float = 0.1,
        listener: bool = False,
        context_attention: Literal["general", "simple"] = "general",
        emotion_attention: bool = True,
        standardise: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__(task)
        sizes = {"global_width": global_width, "party_width": party_width, "emotion_width": emotion_width}
        check_counts(most=None, **sizes, head_width=head_width)
        check_shares(recurrent_dropout=recurrent_dropout)
        if context_attention not in ("general", "simple"):
            raise UsageError(f"`context_attention` should be 'general' or 'simple'. Found {context_attention!r}.")
        if not 0.0 <= dropout <= 1.0 - _MORE:
            raise UsageError(f"`dropout` should lie between 0 and {1 - _MORE}. Found {dropout}.")
        widths = (sum(task.widths.values()), global_width, party_width, emotion_width)
        direction = partial(DialogueEncoder, *widths, slots=task.speaker_slots, listener=listener)
        direction = partial(direction, dropout=recurrent_dropout, context=context_attention)
        width = emotion_width if causal else 2 * emotion_width
        self.causal = causal
        self.standardise = Standardise(task.widths) if standardise else None
        self.forwards = direction()
        self.backwards = None if causal else direction()
        self.emotion_dropout = Dropout(dropout + _MORE)
        self.emotion_query = Linear(width, width) if emotion_attention else None
        self.hidden = Linear(width, 2 * head_width)
        self.dropout = Dropout(dropout)
        self.classifier = Linear(2 * head_width, len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The emotion representation of every utterance in its conversation, under the single key ``context``."""
        rows, layout = self._concatenated(batch), batch.layout.past if self.causal else batch.layout
        directions = [self.forwards(rows, batch.speakers, layout.forward_walk, layout.memory)]
        if self.backwards is not None:
            directions.append(self.backwards(rows, batch.speakers, layout.backward_walk))
        emotions = self.emotion_dropout(torch.cat(directions, dim=1))
        if self.emotion_query is None:
            return {"context": emotions}
        # The scores are plain products here; `attend` divides them by the root of the width.
        query = self.emotion_query(emotions) * emotions.shape[1] ** 0.5
        return {"context": attend(query, emotions, emotions, layout, heads=1, owner=self)}

    def _concatenated(self, batch: Batch) -> Tensor:
        return torch.cat([only(self.scaled(batch, m), batch.presence(m)) for m in self.task.modalities], dim=1)

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance."""
        hidden = self.dropout(torch.relu(self.hidden(representation["context"])))
        return Output(self.classifier(hidden), {}, representation)

    def numbers_per_pair(self) -> float:
        """What every utterance attends to those before it by; for a time, a direction that goes back keeps two more."""
        return 0.5 if self.causal else 1.0

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the hidden layer of the classifier."""
        return self.parameters_but(self.hidden, self.classifier)
