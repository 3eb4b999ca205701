"""From one recording and its transcript to a conversation with features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import DataError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.findings import damage, found_speech
from crossspace.features.extraction.keys import feature_key, media_digest
from crossspace.features.extraction.utterance_ids import ids_of
from crossspace.features.extractors.base import Extractor, Missing, TextExtractor
from crossspace.features.sources.recording import Recording
from crossspace.transcripts import read_transcript, within
from crossspace.transcripts.encoding import read_text
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Cue, Transcript

if TYPE_CHECKING:
    from crossspace.features.media.probe import Media

Found = np.ndarray | Missing
Span = tuple[float, float]

_AT_ONCE, _SPARE = 10, 60.0
"""People who may speak at the same time all through a recording, and seconds that are granted besides."""
_FACES = "faces 2"
"""Part of keys: another way of reading pictures or of finding faces makes another feature."""


@dataclass(frozen=True)
class Extracted:
    """What came of a recording.

    Attributes:
        conversation: its utterances with features, and reasons where a modality is missing.
        media: ``{"duration", "audio", "video"}`` of the recording, or ``None`` where there is none.
        notes: sentences on what was mended or left out.
    """

    conversation: Conversation
    media: Mapping[str, object] | None = None
    notes: tuple[str, ...] = field(default=())


class Extraction:
    """Extracts features, and looks into a cache first.

    Args:
        extractors: ``{modality: extractor}``.
        cache: where vectors are kept; nowhere if there is none.
    """

    def __init__(self, extractors: Mapping[str, Extractor], cache: FeatureCache | None = None) -> None:
        self.extractors, self.cache = dict(extractors), cache

    def run(self, recording: Recording, said: Callable[[str], None] = lambda stage: None) -> Extracted:
        """Everything of one recording.

        Args:
            recording: what there is.
            said: told what is done, ``speech``, ``audio``, ``visual``, ``text``, and how far: ``text, 512 of 900``.

        Raises:
            DataError: the recording or the transcript cannot be read, or holds no utterance.
        """
        notes: list[str] = []
        transcript, media, digest = self._material(recording, notes, said)
        cues = transcript.cues
        found: dict[str, list[Found]] = {}
        for modality in [m for m in ("audio", "visual") if m in self.extractors]:
            said(modality)
            if recording.clips is not None:
                found[modality] = [self._clip(modality, path, notes) for path in recording.clips]
            else:
                found[modality] = self._spans(modality, media, digest, cues, notes)
        facts = None
        if media is not None:
            facts = {"duration": media.duration, "audio": media.audio is not None, "video": media.video is not None}
        extracted = Extracted(_conversation(recording.id, cues, found), facts, tuple(dict.fromkeys(notes)))
        return self.with_text(extracted, said)

    def with_text(self, extracted: Extracted, said: Callable[[str], None] = lambda stage: None) -> Extracted:
        """The same with text features wherever there is a text and no such features yet; what was not read is noted."""
        if "text" not in self.extractors:
            return extracted
        said("text")
        (conversation,) = self.fill([extracted.conversation], said)
        notes = (*extracted.notes, *self.unread(extracted.conversation))
        return replace(extracted, conversation=conversation, notes=notes)

    def unread(self, conversation: Conversation) -> tuple[str, ...]:
        """A note on the texts of a conversation that are longer than the extractor reads, if it reads them."""
        extractor = self.extractors.get("text")
        if not isinstance(extractor, TextExtractor):
            return ()
        texts = {
            i: u.text for i, u in enumerate(conversation.utterances, start=1) if u.text and "text" not in u.features
        }
        long = [str(i) for i, text in texts.items() if extractor.is_overlong(text)]
        if not long:
            return ()
        few = "utterance" if len(long) == 1 else "utterances"
        return (f"Text beyond {extractor.limit} tokens was not read ({few} {listed(long)}).",)

    def texts(self, texts: Sequence[str | None], said: Callable[[str], None] = lambda stage: None) -> list[Found]:
        """Text features of many utterances at once; the empty ones are missing."""
        known = {i: text for i, text in enumerate(texts) if text and text.strip()}
        keys = {i: (text,) for i, text in known.items()}
        vectors = self._cached("text", keys, lambda wanted: ((i, known[i]) for i in wanted), said)
        return [vectors.get(i, Missing("no text")) for i in range(len(texts))]

    def fill(
        self, conversations: Sequence[Conversation], said: Callable[[str], None] = lambda stage: None
    ) -> list[Conversation]:
        """Conversations with text features wherever there is a text and no such features yet."""
        if "text" not in self.extractors:
            return list(conversations)
        members = [u for c in conversations for u in c.utterances]
        lacking = [i for i, u in enumerate(members) if "text" not in u.features]
        for i, value in zip(lacking, self.texts([members[i].text for i in lacking], said), strict=True):
            members[i] = _with(members[i], "text", value)
        rest = iter(members)
        return [Conversation(c.id, tuple(next(rest) for _ in c.utterances)) for c in conversations]

    def _material(
        self, recording: Recording, notes: list[str], said: Callable[[str], None]
    ) -> tuple[Transcript, Media | None, str]:
        media, digest = None, ""
        if recording.media is not None:
            from crossspace.features.media.probe import open_media

            media, digest = open_media(recording.media), media_digest(recording.media)
            notes += media.notes
        transcript = recording.transcript
        if isinstance(transcript, Path):
            transcript = read_transcript(transcript)
        if transcript is None:
            if media is None:
                raise DataError(f"Conversation {recording.id!r} has neither a transcript nor a recording.")
            said("speech")
            transcript = found_speech(media, digest, self.cache)
        if recording.labels is not None:
            transcript = _labelled(transcript, recording)
        if media is not None:
            transcript = within(transcript, media.duration)
        notes += transcript.notes
        if not transcript.cues:
            raise DataError(f"Conversation {recording.id!r} has no utterance. " + " ".join(notes))
        return transcript, media, digest

    def _spans(
        self, modality: str, media: Media | None, digest: str, cues: Sequence[Cue], notes: list[str]
    ) -> list[Found]:
        if media is None:
            return [Missing("no recording")] * len(cues)
        if (media.audio if modality == "audio" else media.video) is None:
            return [Missing(f"no {'audio' if modality == 'audio' else 'video'} track")] * len(cues)
        timed = {i: (c.start, c.end) for i, c in enumerate(cues) if c.start is not None and c.end is not None}
        spans = {i: (start, end) for i, (start, end) in timed.items() if start < end}
        _check_spans(spans.values(), media)
        keys = {i: _media_material(modality, digest, span) for i, span in spans.items()}
        read = _hear if modality == "audio" else _see
        damaged: list[str] = []
        vectors = self._cached(
            modality,
            keys,
            lambda wanted: read(media, {i: spans[i] for i in wanted}, damaged),
        )
        notes += damage(damaged, modality, media, digest, self.cache)
        return [vectors.get(i, Missing("it has no length" if i in timed else "no times")) for i in range(len(cues))]

    def _clip(self, modality: str, path: Path | None, notes: list[str]) -> Found:
        if path is None:
            return Missing("no clip")
        from crossspace.features.media.probe import open_media

        try:
            media = open_media(path)
        except DataError as error:
            notes.append(str(error))
            return Missing("the clip cannot be read")
        return self._spans(modality, media, media_digest(path), [Cue(None, start=0.0, end=media.duration)], notes)[0]

    def _cached(
        self,
        modality: str,
        material: Mapping[int, tuple[str | float, ...]],
        read: Callable[[list[int]], Iterator[tuple[int, object]]],
        said: Callable[[str], None] = lambda stage: None,
    ) -> dict[int, Found]:
        """Vectors by index: those known by the cache, the others read, extracted in batches and kept at once."""
        extractor = self.extractors[modality]
        keys = {i: feature_key(extractor.identity, *parts) for i, parts in material.items()}
        known = self.cache.get_many(list(keys.values())) if self.cache is not None else {}
        found: dict[int, Found] = {i: known[key] for i, key in keys.items() if key in known}
        # Utterances of the same key, such as those who speak in one cue, have the same vector.
        first = {key: i for i, key in reversed(keys.items()) if i not in found}
        if not first:
            return found
        done = 0
        for batch in _batches(read(sorted(first.values())), extractor.batch):
            heard = {i: item for i, item in batch if not isinstance(item, Missing)}
            values: dict[int, Found] = {i: item for i, item in batch if isinstance(item, Missing)}
            if heard:
                values.update(zip(heard, extractor.extract(list(heard.values())), strict=True))
            found.update(values)
            done += len(batch)
            said(f"{modality}, {done:,} of {len(first):,}")
            if self.cache is not None:
                self.cache.put_many({keys[i]: value for i, value in values.items()})
        return {i: found[first.get(key, i)] for i, key in keys.items() if i in found or first.get(key) in found}


def _check_spans(spans: Iterable[Span], media: Media) -> None:
    """Refuse what would be heard and seen again and again: work is in proportion to the recording.

    Raises:
        DataError: the utterances together last far longer than the recording.
    """
    whole = sum(min(end, media.duration) - start for start, end in spans if start < media.duration)
    if whole > _AT_ONCE * media.duration + _SPARE:
        raise DataError(
            f"The utterances of {media.path} should follow each other, with up to {_AT_ONCE} people speaking at once. "
            f"Found utterances of {whole:.0f} seconds together in a recording of {media.duration:.1f}. Check the times."
        )


def _media_material(modality: str, digest: str, span: Span) -> tuple[str | float, ...]:
    return (digest, *span) if modality == "audio" else (_FACES, digest, *span)


def _hear(media: Media, spans: Mapping[int, Span], notes: list[str]) -> Iterator[tuple[int, object]]:
    from crossspace.features.media.audio import read_audio

    names = list(spans)
    for index, samples in read_audio(media, list(spans.values()), notes=notes):
        yield names[index], Missing("no sound at that time") if samples is None or not len(samples) else samples


def _see(media: Media, spans: Mapping[int, Span], notes: list[str]) -> Iterator[tuple[int, object]]:
    from crossspace.features.media.video import read_frames
    from crossspace.features.pictures import FaceFollower

    names, follower = list(spans), FaceFollower()
    for index, frames in read_frames(media, list(spans.values()), notes=notes):
        track = follower.follow((frame.time, frame.image) for frame in frames)
        yield names[index], track.crops if frames else Missing("no picture at that time")


def _batches(items: Iterator[tuple[int, object]], size: int) -> Iterator[list[tuple[int, object]]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _labelled(transcript: Transcript, recording: Recording) -> Transcript:
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


def _conversation(name: str, cues: Sequence[Cue], found: Mapping[str, Sequence[Found]]) -> Conversation:
    utterances = []
    for i, (cue, own) in enumerate(zip(cues, ids_of(name, cues), strict=True)):
        utterance = Utterance(own, cue.speaker, cue.text, cue.start, cue.end, cue.label, sentiment=cue.sentiment)
        for modality, values in found.items():
            utterance = _with(utterance, modality, values[i])
        utterances.append(utterance)
    return Conversation(name, tuple(utterances))


def _with(utterance: Utterance, modality: str, value: Found) -> Utterance:
    if isinstance(value, Missing):
        return replace(utterance, missing={**utterance.missing, modality: value.reason})
    return replace(utterance, features={**utterance.features, modality: value})
