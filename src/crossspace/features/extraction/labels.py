"""Which labels of a source are labels of the corpus, and which say that there is none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from crossspace.data.conversation import Conversation
from crossspace.errors import DataError, UsageError, suggestion
from crossspace.features.sources.recording import Recording
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript


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
            DataError: a label is neither a name nor stands for none; the utterances are named.
        """
        members = list(conversations)
        # All of them before any is changed, so that `set_aside` counts nothing of a refused corpus.
        self._refuse((f"utterance {u.id!r}", u.label) for c in members for u in c.utterances)
        relabelled = []
        for conversation in members:
            utterances = tuple(replace(u, label=self._of(u.label)) for u in conversation.utterances)
            relabelled.append(replace(conversation, utterances=utterances))
        return relabelled

    def check(self, recordings: Iterable[Recording]) -> None:
        """Look at the labels of tables before anything is extracted.

        Raises:
            DataError: a label is neither a name nor stands for none; the rows are named.
        """
        self._refuse(
            # Counted as an editor shows it: from 1, and the head is a row.
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
        places: dict[str, list[str]] = defaultdict(list)
        known = {*self._known, *self._none}
        for place, label in labels:
            if self.names and label is not None and label.casefold() not in known:
                places[label].append(place)
        if places:
            lines = "".join(f"\n  {label!r}: {listed(where)}" for label, where in places.items())
            near, count = suggestion(next(iter(places)), self.names), sum(map(len, places.values()))
            raise DataError(
                f"Labels should be among --labels. Found {count} utterances with others:{lines}\n"
                f"{near} Name them there, or under --unlabelled what should stay as context without a label."
            )
