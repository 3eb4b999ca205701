"""What is said of one conversation: the type that every export, the server and the page share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.runtime import optional_import, write_bytes

if TYPE_CHECKING:
    from pandas import DataFrame

FORMAT = 1
"""Version of the JSON that :meth:`Analysis.to_dict` makes."""


@dataclass(frozen=True)
class UtteranceAnalysis:
    """One utterance.

    Attributes:
        id, speaker, start, end, text: as in the conversation; times are seconds or ``None``.
        label: the most probable emotion.
        confidence: its probability.
        probabilities: ``{label: p}``, of the whole model.
        unimodal: ``{modality: {label: p}}``, what each present modality alone would have said.
        contributions: ``{modality: x}``, how much each adds to the probability of ``label`` (Shapley values).
        missing: ``{modality: reason}`` of the modalities that the model knows and this utterance lacks.
        recognised: ``{"text": x, "speaker": x}``, from 0 to 1 how sure a recogniser is of what no person wrote.
        corrected: the emotion that a person put in place of ``label``, which stays the model's; ``None`` if nobody did.
    """

    id: str
    speaker: str
    start: float | None
    end: float | None
    text: str | None
    label: str
    confidence: float
    probabilities: Mapping[str, float]
    unimodal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    recognised: Mapping[str, float] = field(default_factory=dict)
    corrected: str | None = None

    @property
    def emotion(self) -> str:
        """What a person corrected the label to, or the label."""
        return self.label if self.corrected is None else self.corrected

    def share(self, label: str) -> float:
        """How much of the utterance has an emotion: its probability, or all of it where a person said so."""
        return self.probabilities[label] if self.corrected is None else float(label == self.corrected)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``corrected`` is there only where somebody corrected the label."""
        plain = asdict(self)
        if self.corrected is None:
            del plain["corrected"]
        return plain


@dataclass(frozen=True)
class Analysis:
    """One conversation as a model sees it.

    Attributes:
        conversation_id: its name.
        labels: the emotions, in the order of the model.
        model: ``{"name", "kind", "modalities", "causal", "in_the_box"}``: which model it was, what kind (``css``), what
            it hears and sees, whether it looks at past context only, whether it is the one shipped with crossspace;
            ``"unsure_below"`` where the model is calibrated: with less confidence it is unsure.
        media: ``{"name", "duration", "audio", "video"}`` of the recording, or ``None`` for a transcript alone.
        utterances: in the order in which they were spoken.
        notes: sentences on what was mended, left out or missing on the way.
    """

    conversation_id: str
    labels: tuple[str, ...]
    model: Mapping[str, Any]
    media: Mapping[str, Any] | None
    utterances: tuple[UtteranceAnalysis, ...]
    notes: tuple[str, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """In the order of their first words."""
        return tuple(dict.fromkeys(u.speaker for u in self.utterances))

    @property
    def unsure_below(self) -> float:
        """The confidence below which the model is unsure; 0 where it was not calibrated and does not know."""
        return float(self.model.get("unsure_below") or 0.0)

    def is_unsure(self, utterance: UtteranceAnalysis) -> bool:
        """Whether the model is; of what a person says nobody is."""
        return utterance.corrected is None and utterance.confidence < self.unsure_below

    def said(self, utterance: UtteranceAnalysis) -> str:
        """The emotion in words: ``joy``, or ``unsure (joy)``."""
        return f"unsure ({utterance.emotion})" if self.is_unsure(utterance) else utterance.emotion

    @property
    def arcs(self) -> dict[str, dict[str, Any]]:
        """The emotional arc of every speaker: ``utterances`` and ``seconds`` they speak, ``shares`` ``{label: part}``.

        A share is the mean probability of the label over the utterances of the speaker; a corrected label is certain.
        """
        by_speaker: dict[str, list[UtteranceAnalysis]] = {}
        for u in self.utterances:
            by_speaker.setdefault(u.speaker, []).append(u)
        arcs: dict[str, dict[str, Any]] = {}
        for speaker, own in by_speaker.items():
            # Transcripts without times say nothing of seconds, which is not the same as none.
            spoken = [u.end - u.start for u in own if u.start is not None and u.end is not None]
            shares = {label: sum(u.share(label) for u in own) / len(own) for label in self.labels}
            arcs[speaker] = {"utterances": len(own), "seconds": sum(spoken) if spoken else None, "shares": shares}
        return arcs

    def save(self, path: str | Path, labels: bool = False) -> Path:
        """Write to a file in the format that its ending names, such as ``.json``, ``.html``, ``.eaf`` or ``.pdf``.

        Args:
            path: of the file; one that is there is replaced.
            labels: in captions, write emotion and confidence behind the words.

        Raises:
            UsageError: there is no such format.
            DataError: the format needs times, and no utterance has any.
            WritingError: the file cannot be written.
        """
        from crossspace.analysis.exports import render

        write_bytes(path, render(self, path, labels))
        return Path(path)

    @classmethod
    def read(cls, path: str | Path) -> Analysis:
        """What :meth:`save` has written in ``.json``, ``.parquet`` or ``.html``; the other formats hold less.

        Raises:
            DataError: it is no such file.
        """
        from crossspace.analysis.exports.reading import read_analysis

        return read_analysis(Path(path))

    def to_frame(self) -> DataFrame:
        """A pandas table of one row per utterance, with the columns of the CSV export and the id as index.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from crossspace.analysis.exports.tables import columns, rows

        pandas = optional_import("pandas", "frame")
        return pandas.DataFrame(rows(self), columns=columns(self)).set_index("utterance_id")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "format": FORMAT,
            "conversation_id": self.conversation_id,
            "labels": list(self.labels),
            "model": dict(self.model),
            "media": None if self.media is None else dict(self.media),
            "speakers": list(self.speakers),
            "arcs": self.arcs,
            "utterances": [u.to_dict() for u in self.utterances],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Analysis:
        """The analysis that :meth:`to_dict` turned into plain values; speakers and arcs follow from the utterances.

        Args:
            content: of the right shape; who takes it from elsewhere has looked at it before.
        """
        known = [one.name for one in fields(UtteranceAnalysis)]
        return cls(
            content["conversation_id"],
            tuple(content["labels"]),
            content["model"],
            content["media"],
            tuple(UtteranceAnalysis(**{k: u[k] for k in known if k in u}) for u in content["utterances"]),
            tuple(content["notes"]),
        )
