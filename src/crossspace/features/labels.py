"""Which labels of a source are labels of the corpus, and which say that there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from crossspace.data.checks import refuse
from crossspace.data.conversation import Conversation
from crossspace.errors import UsageError, suggestion
from crossspace.features.sources.recording import Recording
from crossspace.features.transcripts.transcript import Transcript

_SHOWN = 20


class Labels:
    """The labels of a corpus, to which those of its sources are held.

    Upper and lower case do not matter; a label is written as it is given here.

    Args:
        names: the labels in order; whatever occurs is one where none are given.
        unlabelled: what stands for no label, such as IEMOCAP's ``xxx`` and ``oth``: the utterance stays as context.

    Raises:
        UsageError: a label is under both.

    Attributes:
        set_aside: ``{label: utterances}`` that were taken for unlabelled.
    """

    def __init__(self, names: Sequence[str] = (), unlabelled: Sequence[str] = ()) -> None:
        self.names, self.set_aside = tuple(names), Counter[str]()
        self._known = {name.casefold(): name for name in names}
        self._none = {name.casefold() for name in unlabelled}
        both = sorted(set(self._known) & self._none)
        if both:
            raise UsageError(f"A label should stand under --labels or --unlabelled. Found {both[0]!r} under both.")

    def applied(self, conversations: Iterable[Conversation]) -> list[Conversation]:
        """The conversations with the labels of the corpus.

        Raises:
            DataError: a label is neither a name nor stands for none; every utterance is named.
        """
        members = list(conversations)
        self._refuse((f"utterance {u.id!r}", u.label) for c in members for u in c.utterances)
        found = []
        for conversation in members:
            utterances = tuple(replace(u, label=self._of(u.label)) for u in conversation.utterances)
            found.append(replace(conversation, utterances=utterances))
        return found

    def check(self, recordings: Iterable[Recording]) -> None:
        """Look at the labels of tables before anything is extracted.

        Raises:
            DataError: a label is neither a name nor stands for none; every row is named.
        """
        self._refuse(
            (f"{recording.table}, row {(cue.row or 0) + 2}", cue.label)
            for recording in recordings
            if recording.table is not None and isinstance(recording.transcript, Transcript)
            for cue in recording.transcript.cues
        )

    def _of(self, label: str | None) -> str | None:
        if label is None or label.casefold() not in self._none:
            return label if label is None else self._known.get(label.casefold(), label)
        self.set_aside[label] += 1
        return None

    def _refuse(self, labels: Iterable[tuple[str, str | None]]) -> None:
        known = {*self._known, *self._none}
        strange = [
            (place, label)
            for place, label in labels
            if label is not None and self.names and label.casefold() not in known
        ]
        faults = [f"{place}: {label!r}. {suggestion(label, self.names)}" for place, label in strange[:_SHOWN]]
        faults += [f"... and {len(strange) - _SHOWN} more"] if len(strange) > _SHOWN else []
        counts = Counter(label for _, label in strange)
        refuse(
            "The labels",
            faults,
            f"None of --labels: {', '.join(f'{label!r} ({n} utterances)' for label, n in counts.most_common())}. Name "
            "them there, or under --unlabelled what should be kept as context without a label.",
        )
