"""A model with the extractors of its features: from a recording, a transcript or a conversation to an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.card import card_of
from crossspace.analysis.language import language_note
from crossspace.analysis.unlike import unlike_note
from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import DataError, MismatchError, MissingExtraError, UsageError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extractors import Extractor, from_identity
from crossspace.features.extractors.base import named
from crossspace.features.media.container import check_kind
from crossspace.features.sources import Channels, Recording
from crossspace.features.speech.transcribe import Transcription
from crossspace.features.speech.transcribing import Transcribing
from crossspace.features.text.passages import Turn
from crossspace.inference.fit import said_unmatched, unmatched
from crossspace.inference.streaming import Past, Streaming
from crossspace.onnx.loading import AnyPredictor, load_predictor
from crossspace.onnx.predictor import ExportedPredictor
from crossspace.stores import Place, Where
from crossspace.transcripts import Transcript

Mark: TypeAlias = tuple[Past, tuple[Turn, ...]]
"""Where a live conversation is: what its model remembers, and the last turns that its extractor reads."""

_ON_RECOGNISED = (
    "Words were recognised and not written by people, and models learn from transcripts that people wrote: emotions "
    "that follow from wrong words are wrong too, and their confidence does not show it."
)


class Analyzer:
    """Analyzes conversations.

    Args:
        predictor: the model.
        extractors: ``{modality: extractor}``, of those features that it was trained on.
        in_the_box: whether it is the model shipped with crossspace.
        card: its model card, in Markdown, if it has one.
        cache: where features are kept between calls; nowhere if there is none.
        wanted: ``{modality: "NAME[:VALUE]"}`` where an extractor was built in another way than the model records.
        transcribing: how recordings without a transcript are transcribed, if they are.
    """

    def __init__(
        self,
        predictor: AnyPredictor,
        extractors: Mapping[str, Extractor],
        *,
        in_the_box: bool = False,
        card: str | None = None,
        cache: FeatureCache | None = None,
        wanted: Mapping[str, str] | None = None,
        transcribing: Transcribing | None = None,
    ) -> None:
        self.predictor, self.extractors, self.wanted = predictor, dict(extractors), dict(wanted or {})
        self.in_the_box, self.card = in_the_box, card
        self.transcribing = transcribing
        transcription = None if transcribing is None else Transcription(transcribing)
        self._extraction = Extraction(self.extractors, cache, transcription)

    @classmethod
    def load(
        cls,
        model: Where | None = None,
        wanted: Mapping[str, str] | None = None,
        *,
        only: Sequence[str] | None = None,
        cache: FeatureCache | None = None,
        transcribing: Transcribing | None = None,
    ) -> Analyzer:
        """A model with the extractors that it names.

        Args:
            model: run folder, folder of a seed or of an exported model, or name on a hub; the model in the box if
                none.
            wanted: ``{modality: "NAME[:VALUE]"}`` where an extractor is to be built in another way, such as a
                checkpoint that lies in a folder; it must still be the one that the model was trained on.
            only: the modalities that will be extracted; all of the model's if none are given.
            cache: where features are kept.
            transcribing: how recordings without a transcript are transcribed, if they are; loaded when one comes.

        Raises:
            DataError: there is no such model.
            MismatchError: the model was trained on features of another extractor, or of none that is known.
            MissingExtraError: a library is not installed.
        """
        in_the_box = model is None
        predictor = load_predictor(model)
        needed = [m for m in predictor.task.modalities if only is None or m in only]
        extractors = {m: _extractor(predictor, m, (wanted or {}).get(m)) for m in needed}
        unknown = sorted(set(wanted or {}) - set(predictor.task.modalities))
        if unknown:
            raise UsageError(f"The model knows {list(predictor.task.modalities)}. Found an extractor for {unknown}.")
        return cls(
            predictor,
            extractors,
            in_the_box=in_the_box,
            card=card_of(predictor),
            cache=cache,
            wanted=wanted,
            transcribing=transcribing,
        )

    @property
    def name(self) -> str:
        """How the model is called in answers: run and seed, or owner and name, without the way to them."""
        return "the model in the box" if self.in_the_box else "/".join(Path(self.predictor.name).parts[-2:])

    @property
    def _subject(self) -> str:
        """How a sentence about the model begins."""
        return "The model in the box" if self.in_the_box else f"Model {self.name}"

    @property
    def causal(self) -> bool:
        """Whether what is said of an utterance depends on the past alone, its features included."""
        return self.predictor.causal and not self._extraction.reads_ahead

    @property
    def unsure_below(self) -> float | None:
        """The confidence below which the model is unsure; ``None`` where it was not calibrated."""
        return self.predictor.details.get("calibration", {}).get("unsure_below")

    @property
    def facts(self) -> dict[str, Any]:
        """What an :class:`Analysis` says of its model."""
        unsure = {} if self.unsure_below is None else {"unsure_below": self.unsure_below}
        return {
            "name": self.name,
            "kind": self.predictor.kind,
            "modalities": list(self.predictor.task.modalities),
            "causal": self.causal,
            "in_the_box": self.in_the_box,
        } | unsure

    def analyze(
        self,
        media: Place | None,
        transcript: Place | Transcript | None,
        *,
        name: str | None = None,
        conversation_id: str = "conversation",
        progress: Callable[[str], None] | None = None,
        extract: Callable[[Recording], Extracted] | None = None,
        track: int | None = None,
        channels: Channels | None = None,
    ) -> Analysis:
        """Analyze a recording, a transcript, or both.

        Args:
            media: the recording.
            transcript: what was said; recognised where there is none, or found as stretches of speech without text.
            name: how the recording is called in the answer; its file's name if none.
            conversation_id: how the conversation is called.
            progress: told what is being done: ``speech``, ``audio``, ``visual``, ``text``, ``model``.
            extract: hears and sees a recording instead, for example in another process; its texts are left to this one.
            track: which audio track of the recording is heard, from 1; the one with speech if none.
            channels: ``"speakers"`` where each channel of the recording has a speaker of its own, or their names.

        Raises:
            DataError: a file cannot be read, or holds nothing that the model can use.
        """
        if media is not None:
            # Before hearing begins: whether a file is a recording at all is known at once.
            check_kind(media)
        hears = bool({"audio", "visual"} & set(self.predictor.task.modalities))
        if transcript is None and media is not None and not hears and self.transcribing is None:
            raise DataError(
                f"{self._subject} reads text only, and the recording {name or media.name} comes "
                "without a transcript. Give its transcript, have its words recognised (--transcribe whisper:FOLDER), "
                "or give a model that hears or sees."
            )
        said = progress or (lambda stage: None)
        recording = Recording(conversation_id, transcript, media, track=track, channels=channels)
        if extract is not None and media is not None:
            extracted = self._extraction.with_text(extract(recording), said)
        else:
            extracted = self._extraction.run(recording, said)
        facts = None if media is None or extracted.media is None else {"name": name or media.name, **extracted.media}
        said("model")
        return self._analysis(extracted.conversation, facts, extracted.notes)

    def analyze_conversation(self, conversation: Conversation, notes: Sequence[str] = ()) -> Analysis:
        """Analyze a conversation; text features are made where there is a text and no such features.

        Raises:
            DataError: it is empty or holds nothing that the model can use.
            MismatchError: its features have other widths than the model's.
        """
        if not conversation.utterances:
            raise DataError(f"Conversation {conversation.id!r} should have at least one utterance. Found none.")
        extracted = self._extraction.with_text(Extracted(conversation, notes=tuple(notes)))
        return self._analysis(extracted.conversation, None, extracted.notes)

    def stream(self) -> LiveAnalysis:
        """A conversation that is still going on."""
        return LiveAnalysis(self._extraction, self.predictor.stream(), self.predictor.task.modalities)

    def _analysis(self, conversation: Conversation, media: Mapping[str, Any] | None, notes: Sequence[str]) -> Analysis:
        known = self.predictor.task.modalities
        if not any(m in u.features for u in conversation.utterances for m in known):
            reasons = sorted({f"{m}: {r}" for u in conversation.utterances for m, r in u.missing.items() if m in known})
            raise DataError(
                f"{self._subject} uses {', '.join(known)}, and conversation {conversation.id!r} "
                "has nothing of it" + (f" ({'; '.join(reasons)})." if reasons else ".")
            )
        records = self.predictor.predict(conversation)
        # Whatever any utterance has; single gaps stand beside their utterances.
        present = {m for u in conversation.utterances for m in u.features}
        notes = [*notes, *said_unmatched(unmatched(known, present)[0], (), "the conversation")]
        if "text" in known and any("text" in u.recognised for u in conversation.utterances):
            notes.append(_ON_RECOGNISED)
        if "text" in known and self.predictor.details.get("language") == "en":
            notes += filter(None, [language_note([u.text for u in conversation.utterances if u.text], self.name)])
        notes += filter(None, [self._unsure_note(records)])
        notes += filter(None, [unlike_note(conversation, self.predictor.details.get("training_sizes", {}))])
        return Analysis(
            conversation.id,
            self.predictor.task.labels,
            self.facts,
            media,
            tuple(_utterance(u, r, known) for u, r in zip(conversation.utterances, records, strict=True)),
            tuple(notes),
        )

    def _unsure_note(self, records: Sequence[Mapping[str, Any]]) -> str | None:
        """What it means that the model is unsure, where it is."""
        calibration = self.predictor.details.get("calibration")
        if not calibration:
            return None
        below, right = calibration["unsure_below"], calibration["right"]
        count = sum(max(record["probabilities"].values()) < below for record in records)
        if not count:
            return None
        return (
            f"{self._subject} is unsure of {count} of {len(records)} utterances: it says so below a confidence of "
            f"{100 * below:.0f} %. Where it was calibrated, {100 * right:.0f} % of what it said with more was right; "
            "elsewhere it may be less."
        )


class LiveAnalysis:
    """A conversation of which one utterance after the other becomes known.

    Args:
        extraction: makes text features.
        stream: of the model.
        modalities: that the model knows.
    """

    def __init__(self, extraction: Extraction, stream: Streaming, modalities: Sequence[str]) -> None:
        self._extraction, self._stream, self._modalities = extraction, stream, modalities
        self._turns: tuple[Turn, ...] = ()

    def push(self, utterance: Utterance) -> UtteranceAnalysis:
        """The next utterance, from what was said before it."""
        # The text only: sound and pictures of one live utterance come as features, if at all.
        filled = self._extraction.fill([Conversation("live", (utterance,))], past=self._turns)[0].utterances[0]
        analysis = _utterance(filled, self._stream.push(filled), self._modalities)
        if utterance.text and utterance.text.strip():
            kept = self._extraction.turns
            self._turns = (*self._turns, (utterance.speaker, utterance.text))[-kept:] if kept else ()
        return analysis

    def mark(self) -> Mark:
        """Where the conversation is now, to be given to :meth:`rewind`."""
        return self._stream.mark(), self._turns

    def rewind(self, mark: Mark) -> None:
        """Go back to a mark: what was pushed since has left no trace."""
        past, self._turns = mark
        self._stream.rewind(past)


def _utterance(utterance: Utterance, record: Mapping[str, Any], modalities: Sequence[str]) -> UtteranceAnalysis:
    return UtteranceAnalysis(
        id=utterance.id,
        speaker=utterance.speaker,
        start=utterance.start,
        end=utterance.end,
        text=utterance.text,
        label=record["label"],
        confidence=record["probabilities"][record["label"]],
        probabilities=record["probabilities"],
        unimodal=record["unimodal"],
        contributions=record["contributions"],
        missing={m: utterance.missing.get(m, "not given") for m in modalities if m not in utterance.features},
        recognised=utterance.recognised,
    )


def _extractor(predictor: AnyPredictor, modality: str, wanted: str | None) -> Extractor:
    trained = predictor.details.get("extractors", {}).get(modality)
    if not trained:
        raise MismatchError(
            f"Model {predictor.name} was trained on {modality} features that no extractor of crossspace made, so they "
            "cannot be made for a new recording. Give it conversations with features ('crossspace predict'), or train "
            "on a corpus made by 'crossspace extract'."
        )
    if modality == "text" and wanted is None and isinstance(predictor, ExportedPredictor):
        exported = predictor.text_extractor()
        if exported is not None:
            return exported
    try:
        return from_identity(modality, trained, wanted)
    except ModuleNotFoundError as error:
        if not isinstance(predictor, ExportedPredictor):
            raise
        raise MissingExtraError(
            f"{predictor.name} was exported without what makes its {modality} features, {named(trained)}, and that "
            f"needs {error.name}, which is not installed. Give it a corpus with features ('crossspace predict'), "
            "export the model with the encoder of its texts, or install all of crossspace: pip install crossspace"
        ) from error
