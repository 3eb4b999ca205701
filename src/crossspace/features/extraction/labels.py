"""Which labels of a source are labels of the corpus, and which say that there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

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
    """

    def __init__(self, names: Sequence[str] = (), unlabelled: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        self._known = {name.casefold(): name for name in names}
        self._none = {name.casefold() for name in unlabelled}
        both = sorted(set(self._known) & self._none)
        if both:
            raise UsageError(f"A label should stand under --labels or --unlabelled. Found {both[0]!r} under both.")

    def relabel(self, label: str) -> str | None:
        """The label of the corpus for one of a source; None where it stands for none."""
        return None if label.casefold() in self._none else self._known.get(label.casefold(), label)

    def set_aside(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Of ``{label: utterances}`` those that are taken for unlabelled."""
        return {label: count for label, count in counts.items() if self.relabel(label) is None}

    def check(self, recordings: Iterable[Recording]) -> None:
        """Look at the labels of tables before anything is extracted.

        Raises:
            DataError: a label is neither a name nor stands for none; the rows are named.
        """
        self.refuse_unknown(
            # Counted as an editor shows it: from 1, and the head is a row.
            (f"{recording.table}, row {(cue.row or 0) + 2}", cue.label)
            for recording in recordings
            if recording.table is not None and isinstance(recording.transcript, Transcript)
            for cue in recording.transcript.cues
        )

    def refuse_unknown(self, labels: Iterable[tuple[str, str | None]]) -> None:
        """Look at ``(place, label)`` of utterances.

        Raises:
            DataError: a label is neither a name nor stands for none; the places are named.
        """
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
