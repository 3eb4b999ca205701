"""From one recording and its transcript to a conversation with features."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crossspace.copies import at_hand
from crossspace.data.conversation import Conversation
from crossspace.errors import DataError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.extracted import extracted
from crossspace.features.extraction.findings import damage
from crossspace.features.extraction.keys import feature_key
from crossspace.features.extraction.material import Material, material_of
from crossspace.features.extraction.nearby import nearby
from crossspace.features.extraction.spans import check_spans, read_spans, span_material
from crossspace.features.extraction.utterances import conversation_of, with_encoders, with_feature
from crossspace.features.extractors.base import Extractor, Feature, Missing, TextExtractor
from crossspace.features.sources.recording import Recording
from crossspace.features.text.passages import Passage, Turn, passages
from crossspace.stores import Place
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Cue, Transcript

if TYPE_CHECKING:
    from crossspace.features.speech.transcribe import Transcription


@dataclass(frozen=True)
class Extracted:
    """What came of a recording.

    Attributes:
        conversation: its utterances with features, and reasons where a modality is missing.
        media: ``{"duration", "audio", "video"}`` of the recording, or ``None`` where there is none.
        notes: sentences on what was mended or left out.
        heard: which track or channels of the recording, where not all of its only sound.
    """

    conversation: Conversation
    media: Mapping[str, object] | None = None
    notes: tuple[str, ...] = field(default=())
    heard: str = ""


class Extraction:
    """Extracts features, and looks into a cache first.

    Args:
        extractors: ``{modality: extractor}``.
        cache: where vectors are kept; nowhere if there is none.
        transcription: makes the transcripts of recordings that come without; only where somebody speaks is found if
            there is none.
    """

    def __init__(
        self,
        extractors: Mapping[str, Extractor],
        cache: FeatureCache | None = None,
        transcription: Transcription | None = None,
    ) -> None:
        self.extractors, self.cache, self.transcription = dict(extractors), cache, transcription

    @property
    def turns(self) -> int:
        """Earlier turns that are read with a text."""
        extractor = self.extractors.get("text")
        return extractor.earlier if isinstance(extractor, TextExtractor) else 0

    @property
    def reads_ahead(self) -> bool:
        """Whether features of an utterance depend on what is said later."""
        extractor = self.extractors.get("text")
        return isinstance(extractor, TextExtractor) and extractor.later > 0

    def run(self, recording: Recording, said: Callable[[str], None] = lambda stage: None) -> Extracted:
        """Everything of one recording.

        Args:
            recording: what there is.
            said: told what is done, ``speech``, ``words``, ``audio``, ``visual``, ``text``, and how far: ``text, 512 of
                900``.

        Raises:
            DataError: the recording or the transcript cannot be read, or holds no utterance.
        """
        with nearby(recording) as here:
            return self._run(here, said)

    def _run(self, recording: Recording, said: Callable[[str], None]) -> Extracted:
        notes: list[str] = []
        material = material_of(recording, self.cache, notes, said, self.transcription)
        cues, media = material.transcript.cues, material.media
        features: dict[str, list[Feature]] = {}
        for modality in [m for m in ("audio", "visual") if m in self.extractors]:
            said(modality)
            # Clips have one utterance each and times of their own; the cues of the transcript say nothing of them.
            if recording.clips is not None:
                features[modality] = [self._clip(modality, path, recording.track, notes) for path in recording.clips]
            else:
                features[modality] = self._spans(modality, material, notes, said)
        facts = None
        if media is not None:
            facts = {"duration": media.duration, "audio": media.audio is not None, "video": media.video is not None}
        conversation = conversation_of(recording.id, cues, features)
        extracted = Extracted(
            self._with_encoders(conversation, features), facts, tuple(dict.fromkeys(notes)), material.heard
        )
        return self.with_text(extracted, said)

    def _with_encoders(self, conversation: Conversation, modalities: Collection[str]) -> Conversation:
        """The same with the fine-tuned encoders that made its features of what is heard and seen, where any did."""
        made = {m: found for m in modalities if (found := self.extractors[m].encoder_of(conversation)) is not None}
        if not made:
            return conversation
        return Conversation(conversation.id, tuple(with_encoders(u, made) for u in conversation.utterances))

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

    def fill(
        self,
        conversations: Sequence[Conversation],
        said: Callable[[str], None] = lambda stage: None,
        past: Sequence[Turn] = (),
    ) -> list[Conversation]:
        """Conversations with text features wherever there is a text and no such features yet.

        Args:
            conversations: with texts.
            said: told how far it is.
            past: what was said before the first utterance of each.
        """
        extractor = self.extractors.get("text")
        if not isinstance(extractor, TextExtractor):
            return list(conversations)
        around, made = (extractor.earlier, extractor.later), [extractor.encoder_of(c) for c in conversations]
        read = [p for c in conversations for p in passages([(u.speaker, u.text) for u in c.utterances], *around, past)]
        members = [u for c in conversations for u in c.utterances]
        encoders = [encoder for c, encoder in zip(conversations, made, strict=True) for _ in c.utterances]
        wanted = {i: p for i, p in enumerate(read) if p is not None and "text" not in members[i].features}
        vectors = self._texts(wanted, bool(sum(around)), said)
        for i in (i for i, u in enumerate(members) if "text" not in u.features):
            members[i] = with_feature(members[i], "text", vectors.get(i, Missing("no text")), encoders[i])
        # Conversations are put together again by their lengths: all texts went through the network at once.
        rest = iter(members)
        return [Conversation(c.id, tuple(next(rest) for _ in c.utterances)) for c in conversations]

    def _texts(self, known: Mapping[int, Passage], turns: bool, said: Callable[[str], None]) -> dict[int, Feature]:
        """Text features by index, of passages with their turns or of their texts alone."""
        if turns:
            content, material = {i: (p.content,) for i, p in known.items()}, dict[int, object](known)
        else:
            content, material = {i: (p.text,) for i, p in known.items()}, {i: p.text for i, p in known.items()}
        return self._cached("text", content, lambda wanted: ((i, material[i]) for i in wanted), said)

    def _spans(
        self,
        modality: str,
        material: Material,
        notes: list[str],
        said: Callable[[str], None] = lambda stage: None,
    ) -> list[Feature]:
        media, cues = material.media, material.transcript.cues
        if media is None:
            return [Missing("no recording")] * len(cues)
        if (media.audio if modality == "audio" else media.video) is None:
            return [Missing(f"no {'audio' if modality == 'audio' else 'video'} track")] * len(cues)
        timed = {i: (c.start, c.end) for i, c in enumerate(cues) if c.start is not None and c.end is not None}
        spans = {i: (start, end) for i, (start, end) in timed.items() if start < end}
        check_spans(spans.values(), media)
        channels = material.channels if modality == "audio" else None
        if channels is not None:
            spans = {i: span for i, span in spans.items() if i in channels}
        keys = {i: span_material(modality, material.digest_of(modality, i), span) for i, span in spans.items()}
        damaged: list[str] = []
        # Only what the cache lacks is read: `wanted` are the indices that it does not know.
        vectors = self._cached(
            modality,
            keys,
            lambda wanted: read_spans(modality, media, {i: spans[i] for i in wanted}, damaged, channels),
            said,
        )
        # Also where all vectors were known and nothing was read: the damage was noted with them.
        notes += damage(damaged, modality, media, material.digest_of(modality), self.cache)
        # What lacks a span was never read; the reason tells the cases apart.
        return [vectors.get(i, Missing(_unheard(timed.get(i)))) for i in range(len(cues))]

    def _clip(self, modality: str, path: Place | None, track: int | None, notes: list[str]) -> Feature:
        if path is None:
            return Missing("no clip")
        from crossspace.features.extraction.listening import opened_to_hear

        try:
            with at_hand(path) as file:
                media, digest = opened_to_hear(file, track, self.cache)
                notes += [note for note in media.notes if note not in notes]
                whole = Transcript((Cue(None, start=0.0, end=media.duration),))
                return self._spans(modality, Material(whole, media, digest), notes)[0]
        except DataError as error:
            notes.append(str(error))
            return Missing("the clip cannot be read")

    def _cached(
        self,
        modality: str,
        material: Mapping[int, tuple[str | float, ...]],
        read: Callable[[list[int]], Iterator[tuple[int, object]]],
        said: Callable[[str], None] = lambda stage: None,
    ) -> dict[int, Feature]:
        """Vectors by index: those known by the cache, the others read, extracted in batches and kept at once."""
        extractor = self.extractors[modality]
        keys = {i: feature_key(extractor.identity, *parts) for i, parts in material.items()}
        cache = self.cache if extractor.cached else None
        known = cache.get_many(list(keys.values())) if cache is not None else {}
        features: dict[int, Feature] = {i: known[key] for i, key in keys.items() if key in known}
        # Utterances of the same key, such as those who speak in one cue, have the same vector.
        first = {key: i for i, key in reversed(keys.items()) if i not in features}
        if not first:
            return features
        done = 0
        for batch in _batches(read(sorted(first.values())), extractor.batch):
            fresh = {i: item for i, item in batch if not isinstance(item, Missing)}
            values: dict[int, Feature] = {i: item for i, item in batch if isinstance(item, Missing)}
            if fresh:
                values.update(zip(fresh, extracted(extractor, list(fresh.values())), strict=True))
            features.update(values)
            done += len(batch)
            said(f"{modality}, {done:,} of {len(first):,}")
            if cache is not None:
                # After every batch: an interruption loses one batch at most.
                cache.put_many({keys[i]: value for i, value in values.items()})
        return {i: features[first.get(key, i)] for i, key in keys.items() if first.get(key, i) in features}


def _unheard(times: tuple[float, float] | None) -> str:
    if times is None:
        return "no times"
    return "silence" if times[0] < times[1] else "it has no length"


def _batches(items: Iterator[tuple[int, object]], size: int) -> Iterator[list[tuple[int, object]]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
