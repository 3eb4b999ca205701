"""A transcript of a recording alone: who says what and when, as far as programs can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from crossspace.errors import DataError, UsageError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.findings import cached_stretches, damage
from crossspace.features.extractors.base import named
from crossspace.features.media.tracks import Media
from crossspace.features.speech.chunks import Span, chunks
from crossspace.features.speech.kept import Kept
from crossspace.features.speech.listening import Listened, Listener
from crossspace.features.speech.recognisers import Doubt, Heard, HeardWord, Recogniser, recogniser
from crossspace.features.speech.speaker_encoders import DEFAULT, SpeakerEncoder, speaker_encoder
from crossspace.features.speech.transcribing import Transcribing
from crossspace.features.speech.utterances import SpokenWord, cues_of
from crossspace.features.speech.voices import Voices, voices_of
from crossspace.transcripts.clock import written
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Cue, Transcript


class Transcription:
    """Transcribes recordings; the recogniser is loaded when the first one comes, and then kept.

    Args:
        wanted: by what, and how many speakers there are.
    """

    def __init__(self, wanted: Transcribing) -> None:
        self.wanted = wanted
        self.speakers = wanted.speakers if isinstance(wanted.speakers, int) else None

    @cached_property
    def recogniser(self) -> Recogniser:
        """Of words."""
        return recogniser(self.wanted.recogniser)

    @cached_property
    def encoder(self) -> SpeakerEncoder | None:
        """Of voices, where speakers are to be told apart."""
        return None if self.wanted.speakers is None else speaker_encoder(self.wanted.speaker_encoder or DEFAULT)

    def prepared(self) -> Transcription:
        """The same with everything loaded, so that what lacks is told before work begins.

        Raises:
            UsageError, MissingExtraError, DataError: a recogniser or an encoder cannot be had.
        """
        # Asked for is loaded. The encoder first: it is there, or not, at once.
        _ = self.encoder, self.recogniser
        return self

    def transcript(
        self,
        media: Media,
        digest: str,
        cache: FeatureCache | None = None,
        said: Callable[[str], None] = lambda stage: None,
    ) -> Transcript:
        """The transcript of a recording; its notes say by whom it was made, and what was left out.

        Whatever the cache knows is not looked for again: after an interruption the same call goes on.

        Args:
            media: the recording.
            digest: of its content.
            cache: where words and voices are kept; nowhere if there is none.
            said: told how far it is.

        Raises:
            UsageError, MissingExtraError: as :meth:`prepared`.
            DataError: nobody is heard to speak, no words are recognised, or a model cannot be read.
        """
        said("speech")
        stretches = cached_stretches(media, digest, cache)
        damaged: list[str] = []
        speech = [(c.start, c.end) for c in stretches.cues if c.start is not None and c.end is not None]
        found = self._listened(media, speech, Kept(cache, digest), said, damaged)
        words = sorted((word for one in found.heard for word in one.words), key=lambda word: word.start)
        if not words:
            raise self._nothing(media, len(stretches.cues), found.heard)
        voices = self._voices(found)
        spoken = [SpokenWord(word) for word in words] if voices is None else voices.speakers_of(words)
        notes = [*stretches.notes, *damage(damaged, "audio", media, digest, cache)]
        notes += [self._note(words, found.language), self._left_out(found.heard).strip(), *self._note_on(voices)]
        return Transcript(tuple(cues_of(spoken)), tuple(note for note in notes if note))

    def by_channel(
        self,
        media: Media,
        names: Sequence[str],
        digests: Sequence[str],
        stretches: tuple[Sequence[tuple[float, float, int]], Sequence[str]],
        cache: FeatureCache | None = None,
        said: Callable[[str], None] = lambda stage: None,
    ) -> Transcript:
        """The transcript of a recording in which each speaker has a channel: nobody has to be told apart by a voice.

        Args:
            media: the recording.
            names: of the speaker of each channel.
            digests: of the sound of each channel.
            stretches: ``(start, end, channel)`` of its speech, and notes on how that was found.
            cache: where words are kept; nowhere if there is none.
            said: told how far it is.

        Raises:
            UsageError: speakers are to be told apart by their voices as well.
            MissingExtraError, DataError: as :meth:`transcript`.
        """
        if self.wanted.speakers is not None:
            raise UsageError("Speakers are those of the channels. Leave out how many there are, or the channels.")
        assert media.audio is not None
        cues, heard, words, damaged = list[Cue](), list[Heard](), list[HeardWord](), list[str]()
        languages = dict[str | None, None]()  # in the order of the channels, each once
        for channel, name in enumerate(names):
            speech = [(start, end) for start, end, c in stretches[0] if c == channel]
            if speech:
                own = replace(media, audio=replace(media.audio, channel=channel))
                told = _of(name, said)
                found = self._listened(own, speech, Kept(cache, digests[channel]), told, damaged, apart=True)
                spoken = sorted((word for one in found.heard for word in one.words), key=lambda word: word.start)
                cues += cues_of([SpokenWord(word, channel) for word in spoken], names)
                heard, words, languages = heard + found.heard, words + spoken, languages | {found.language: None}
        if not words:
            raise self._nothing(media, len(stretches[0]), heard)
        language = ", ".join(filter(None, languages)) or None
        notes = [*stretches[1], *damage(damaged, "audio", media, digests[0], cache), self._note(words, language)]
        notes += [self._left_out(heard).strip(), f"Each speaker has a channel: {listed(list(names))}."]
        return Transcript(tuple(sorted(cues, key=lambda cue: cue.start or 0.0)), tuple(n for n in notes if n))

    def _nothing(self, media: Media, stretches: int, heard: Sequence[Heard]) -> DataError:
        return DataError(
            f"{media.path} should hold speech that {self.recogniser.name} recognises. Found {stretches} stretches that "
            f"sound like speech, and no words in them. {self._left_out(heard)}Give a transcript."
        )

    def _listened(
        self,
        media: Media,
        speech: Sequence[Span],
        kept: Kept,
        said: Callable[[str], None],
        notes: list[str],
        apart: bool = False,
    ) -> Listened:
        """What is heard in stretches of speech; where speakers are apart already, no voices."""
        listener = Listener(self.recogniser, None if apart else self.encoder, kept)
        return listener.listen(media, list(chunks(speech, media.duration)), said, notes)

    def _voices(self, found: Listened) -> Voices | None:
        # Words can be recognised where there is too little sound for a voice.
        if self.encoder is None or not found.windows:
            return None
        known = self.encoder.same_voice, self.encoder.sharpness
        return voices_of(found.windows, found.vectors, self.speakers, *known)

    def _note(self, words: Sequence[HeardWord], language: str | None) -> str:
        sure = float(np.mean([word.confidence for word in words]))
        return (
            f"The words were recognised by {named(self.recogniser.identity)}{f' ({language})' if language else ''}, "
            f"mean confidence {sure:.2f}; no person has read them over."
        )

    def _left_out(self, heard: Sequence[Heard]) -> str:
        """A sentence on what was heard and is not believed, if anything was."""
        doubts = [doubt for one in heard for doubt in one.doubts]
        reasons = Counter(doubt.reason for doubt in doubts)
        said = []
        for reason, count in reasons.items():
            said.append(f"{reason} ({count}: {listed([_place(d) for d in doubts if d.reason == reason])})")
        return f"Left out was what the recogniser makes up: {'; '.join(said)}. " if said else ""

    def _note_on(self, voices: Voices | None) -> list[str]:
        if self.encoder is None:
            return ["Speakers were not told apart."]
        if voices is None:
            return ["No voice could be heard long enough to tell speakers apart."]
        count = voices.count
        speakers = "1 speaker was" if count == 1 else f"{count} speakers were"
        told = f"{speakers} told by the sound of voices ({named(self.encoder.identity)})"
        if self.speakers is None:
            return [
                f"{told}. Their number was found as well: people of like voices are taken for one. Give it if you can."
            ]
        few = "as many as were asked for" if count == self.speakers else f"where {self.speakers} were asked for"
        return [f"{told}, {few}."]


def _of(name: str, said: Callable[[str], None]) -> Callable[[str], None]:
    """Tells how far it is with one of several speakers."""
    return lambda stage: said(f"{stage} of {name}")


def _place(doubt: Doubt) -> str:
    return written(doubt.start)
