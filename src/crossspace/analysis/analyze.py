"""From a recording or a transcript to an analysis, in one call."""

from __future__ import annotations

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.analyzer import Analyzer
from crossspace.analysis.inputs import extracted, inputs_of
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.sources import Channels
from crossspace.features.speech.transcribing import transcribing
from crossspace.stores import Where, place


def analyze(
    source: Where,
    transcript: Where | None = None,
    model: Where | None = None,
    *,
    turns: Where | None = None,
    track: int | None = None,
    channels: Channels | None = None,
    transcribe: str | None = None,
    speakers: int | str | None = None,
    speaker_encoder: str | None = None,
) -> Analysis:
    """The emotions of a conversation.

    For more than one, load an :class:`~crossspace.analysis.analyzer.Analyzer` once and let it analyze each.

    Args:
        source: a recording (any container), or a transcript alone.
        transcript: of the recording.
        model: run folder, folder of a seed or of an exported model, or name on a hub; the model in the box, which reads
            text only, if none.
        turns: who speaks when, as diarization writes it (RTTM), for a transcript that does not say who speaks.
        track: which audio track of the recording is heard, from 1; the one with speech if none.
        channels: ``"speakers"`` where each channel of the recording has a speaker of its own, or the name of the
            speaker of each; their mean is heard if none.
        transcribe: recogniser of the words of a recording without a transcript, ``"whisper:FOLDER"``.
        speakers: how many are told apart by their voices, then; ``"auto"`` finds the number.
        speaker_encoder: by what they are, ``"ge2e:FILE"``, where it is not what is installed.

    Raises:
        DataError: a file cannot be read, or holds nothing that the model can use.
        MissingExtraError: a library is not installed.
    """
    hearing = transcribing(transcribe, speakers, speaker_encoder)
    media, said = inputs_of(source, transcript, hearing, turns)
    analyzer = Analyzer.load(model, only=extracted(media), cache=FeatureCache(), transcribing=hearing)
    return analyzer.analyze(media, said, conversation_id=place(source).stem, track=track, channels=channels)
