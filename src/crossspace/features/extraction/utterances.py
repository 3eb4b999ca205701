"""From cues and vectors to utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import DataError
from crossspace.features.extraction.utterance_ids import ids_of
from crossspace.features.extractors.base import Feature, Missing
from crossspace.features.sources.recording import Recording
from crossspace.transcripts.encoding import read_text
from crossspace.transcripts.transcript import Cue, Transcript


def labelled(transcript: Transcript, recording: Recording) -> Transcript:
    """The transcript with the labels of the recording's own file of labels.

    Raises:
        DataError: it cannot be read, or holds more or fewer lines than the transcript has entries.
    """
    path, source = recording.labels, recording.transcript
    assert path is not None
    labels = [line.strip() or None for line in read_text(path, str(path), "a file of labels")[0].splitlines()]
    try:
        return transcript.labelled(labels)
    except ValueError as error:
        count = len(transcript.cues) if transcript.entries is None else transcript.entries
        what = f"entries of {source.name} in its order, those left out included" if isinstance(source, Path) else ""
        raise DataError(
            f"{path} should hold one label per line for the {count} {what or 'utterances'} (an empty line: none; a cue "
            f"of several speakers: one for each). Found {len(labels)} lines. " + " ".join(transcript.notes)
        ) from error


def conversation_of(name: str, cues: Sequence[Cue], features: Mapping[str, Sequence[Feature]]) -> Conversation:
    """The conversation of cues.

    Args:
        name: its id.
        cues: its utterances.
        features: ``{modality: one for each cue}``.
    """
    utterances = []
    for i, (cue, own_id) in enumerate(zip(cues, ids_of(name, cues), strict=True)):
        utterance = Utterance(
            own_id,
            cue.speaker,
            cue.text,
            cue.start,
            cue.end,
            cue.label,
            sentiment=cue.sentiment,
            recognised=cue.recognised,
        )
        for modality, values in features.items():
            utterance = with_feature(utterance, modality, values[i])
        utterances.append(utterance)
    return Conversation(name, tuple(utterances))


def with_feature(
    utterance: Utterance, modality: str, feature: Feature, encoder: tuple[str, bool] | None = None
) -> Utterance:
    """The utterance with a vector of a modality, or with the reason why it is missing.

    Args:
        utterance: without it.
        modality: of the vector.
        feature: the vector or the reason.
        encoder: the fine-tuned encoder that made it, and whether it was trained on the labels of the conversation.
    """
    if isinstance(feature, Missing):
        return replace(utterance, missing={**utterance.missing, modality: feature.reason})
    with_it = replace(utterance, features={**utterance.features, modality: feature})
    if encoder is None:
        return with_it
    return with_encoders(with_it, {modality: encoder})


def with_encoders(utterance: Utterance, made: Mapping[str, tuple[str, bool]]) -> Utterance:
    """The utterance with the fine-tuned encoders that made its features.

    Args:
        utterance: with features.
        made: ``{modality: (encoder, whether it was trained on the labels of the conversation)}``.
    """
    known = {m: found for m, found in made.items() if m in utterance.features}
    return replace(
        utterance,
        encoders={**utterance.encoders, **{m: name for m, (name, _) in known.items()}},
        seen={**utterance.seen, **{m: seen for m, (_, seen) in known.items()}},
    )
