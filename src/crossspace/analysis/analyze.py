"""From a recording or a transcript to an analysis, in one call."""

from __future__ import annotations

from pathlib import Path

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.analyzer import Analyzer
from crossspace.analysis.inputs import extracted, inputs_of
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.sources import Channels


def analyze(
    source: str | Path,
    transcript: str | Path | None = None,
    model: str | Path | None = None,
    *,
    track: int | None = None,
    channels: Channels | None = None,
) -> Analysis:
    """The emotions of a conversation.

    For more than one, load an :class:`~crossspace.analysis.analyzer.Analyzer` once and let it analyze each.

    Args:
        source: a recording (any container), or a transcript alone.
        transcript: of the recording.
        model: run folder, folder of a seed or name on a hub; the model in the box, which reads text only, if none.
        track: which audio track of the recording is heard, from 1; the one with speech if none.
        channels: ``"speakers"`` where each channel of the recording has a speaker of its own, or the name of the
            speaker of each; their mean is heard if none.

    Raises:
        DataError: a file cannot be read, or holds nothing that the model can use.
        MissingExtraError: a library is not installed.
    """
    media, said = inputs_of(source, transcript)
    analyzer = Analyzer.load(model, only=extracted(media), cache=FeatureCache())
    return analyzer.analyze(media, said, conversation_id=Path(source).stem, track=track, channels=channels)
