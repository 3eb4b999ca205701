"""What a model has to know of a corpus before it can be built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

from crossspace.data.sentiment import SENTIMENTS
from crossspace.errors import UsageError

UNLABELLED = -100
"""Label index of an utterance whose emotion is not known; losses and scores leave it out."""


@dataclass(frozen=True)
class TaskSpec:
    """Labels, modalities and speakers of a task; a model is built from this and from nothing else of the data.

    Attributes:
        labels: names of the emotions in index order; none for recordings that nobody has labelled, which can be
            predicted on and not learnt from.
        widths: ``{modality: D}``, number of features per modality, in the order in which models use them.
        speakers: the names of the speakers when identities mean the same in every conversation (IEMOCAP's F and M),
            or how many speakers of one conversation are told apart, numbered by first appearance, when they do not.
            Whoever comes beyond them shares one overflow index.
        sentiments: names of the second label in index order; those of :mod:`crossspace.data.sentiment` where a corpus
            states none and they are implied by the emotions.
        vectors: ``{modality: V}`` where the features of an utterance are V vectors of D / V numbers side by side, such
            as those of four networks that read the same text; 1 for a modality that is not a key.
    """

    labels: tuple[str, ...]
    widths: Mapping[str, int]
    speakers: int | tuple[str, ...] = 2
    sentiments: tuple[str, ...] = SENTIMENTS
    vectors: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Frozen, but from YAML and JSON come lists and NumPy strings: equal tasks have to compare equal.
        object.__setattr__(self, "labels", _names(self.labels, "labels"))
        object.__setattr__(self, "widths", {str(m): int(d) for m, d in self.widths.items()})
        object.__setattr__(self, "sentiments", _names(self.sentiments, "sentiments"))
        object.__setattr__(self, "vectors", {m: int(v) for m, v in self.vectors.items() if v != 1})
        if isinstance(self.speakers, bool) or (isinstance(self.speakers, int) and self.speakers < 0):
            raise UsageError(f"A task should tell a number of speakers apart, or some by name. Found {self.speakers}.")
        if not isinstance(self.speakers, int):
            object.__setattr__(self, "speakers", _names(self.speakers, "speakers"))
        if len(set(self.labels)) != len(self.labels):
            raise UsageError(f"A task should have no label twice. Found {list(self.labels)}.")
        if not self.widths or any(width < 1 for width in self.widths.values()):
            raise UsageError(f"A task needs at least one modality of at least one feature. Found {dict(self.widths)}.")
        if len(set(self.sentiments)) != len(self.sentiments) or not self.sentiments:
            raise UsageError(f"A task should have sentiments, and none twice. Found {list(self.sentiments)}.")
        for modality, count in self.vectors.items():
            width = self.widths.get(modality)
            # Also refuses vectors of a modality that the task does not have.
            if width is None or count < 1 or width % count:
                raise UsageError(
                    f"The features of {modality!r} should be {count} vectors of equal width. Found a width of {width}."
                )

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, in the order of ``widths``."""
        return tuple(self.widths)

    @property
    def speaker_slots(self) -> int:
        """Rows of a speaker table: every speaker told apart, and the overflow index as the last one."""
        return (self.speakers if isinstance(self.speakers, int) else len(self.speakers)) + 1

    def speaker_indices(self, names: Sequence[str], met: dict[str, int] | None = None) -> list[int]:
        """Indices of the speakers of one conversation, given the speaker of every utterance in order.

        ``met`` holds the speakers of the utterances before these, and receives those who appear now: a conversation
        can be numbered piece by piece.
        """
        if isinstance(self.speakers, int):
            # The caller's own dictionary, which is to grow.
            known = {} if met is None else met
            for name in names:
                known.setdefault(name, len(known))
        else:
            known = {name: index for index, name in enumerate(self.speakers)}
        overflow = self.speaker_slots - 1
        return [min(known.get(name, overflow), overflow) for name in names]

    def with_widths(self, widths: Mapping[str, int], vectors: Mapping[str, int] | None = None) -> TaskSpec:
        """The same with other modalities; ``vectors`` says of which of them the features are several vectors."""
        known = {**self.vectors, **(vectors or {})}
        return replace(self, widths=widths, vectors={m: v for m, v in known.items() if m in widths})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        speakers = self.speakers if isinstance(self.speakers, int) else list(self.speakers)
        plain: dict[str, Any] = {"labels": list(self.labels), "widths": dict(self.widths), "speakers": speakers}
        # What most corpora do not have is left out, so that their fingerprints and saved models stay what they were.
        if self.sentiments != SENTIMENTS:
            plain["sentiments"] = list(self.sentiments)
        if self.vectors:
            plain["vectors"] = dict(self.vectors)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TaskSpec:
        """Undo :meth:`to_dict`.

        Raises:
            ValueError: it is no task; whoever reads a file names it.
        """
        try:
            return cls(
                labels=data["labels"],
                widths=data["widths"],
                speakers=data["speakers"],
                sentiments=data.get("sentiments", SENTIMENTS),
                vectors=data.get("vectors", {}),
            )
        except UsageError as error:
            raise ValueError(str(error)) from error


def _names(given: Any, what: str) -> tuple[str, ...]:
    """Names as plain text; a single text is no list of its letters."""
    listed = isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))
    names = tuple(given) if listed else (given,)
    if faults := [name for name in names if not listed or not _is_name(name)]:
        raise UsageError(f"A task should have a list of names as its {what}. Found {faults[0]!r}.")
    return tuple(str(name) for name in names)


def _is_name(name: object) -> bool:
    if isinstance(name, bool) or not isinstance(name, (str, Integral)):
        return False
    try:
        str(name).encode("utf-8")
    except UnicodeEncodeError:  # half of a sign, which no file can hold
        return False
    return True
