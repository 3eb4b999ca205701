"""Tiers of an annotation (ELAN, Praat): which of them hold speech, and the transcript that they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from crossspace.errors import DataError
from crossspace.transcripts import tier_names
from crossspace.transcripts.rows import PREDICTED
from crossspace.transcripts.spaces import joined
from crossspace.transcripts.tidy import Entries, Entry, listed, tidied
from crossspace.transcripts.tier_labels import apply_labels
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

_LANE = re.compile(r"(.{1,200}) \(\d{1,4}\)")
_PAUSE = 0.5
"""Seconds of silence that end an utterance where only words are annotated."""
_SILENCE = {"sil", "sp", "pau", "p:", "silence", "silent", "#"}
"""What aligners write where nobody speaks."""
_MARK = re.compile(r"<([A-Za-z][\w:/ -]{0,40})>")
_MOST_TIERS = 1_000
"""Of a file; a family around a table, annotated in every way, has a tenth of it."""
_MOST_CODES = 20
"""Different values of a tier that codes something; what people say has more."""


@dataclass
class Span:
    """One annotation.

    Attributes:
        text: what it says.
        start, end: seconds.
        id: what the file calls it.
        label: the emotion that another tier gives it.
    """

    text: str
    start: float | None
    end: float | None
    id: str = ""
    label: str | None = None


@dataclass
class Tier:
    """A row of annotations.

    Attributes:
        name: of the tier.
        spans: its annotations, in the order of the file.
        participant: who is annotated, where the file says so.
        parent: the tier whose annotations these describe; empty for a tier of its own.
        kind: what the file calls this kind of tier.
        closed: whether its values come from a closed list.
        points: whether its annotations are moments.
    """

    name: str
    spans: list[Span] = field(default_factory=list)
    participant: str = ""
    parent: str = ""
    kind: str = ""
    closed: bool = False
    points: bool = False

    @property
    def speaker(self) -> str:
        """Who speaks in it."""
        return self.participant or tier_names.speaker_in(self.name) or UNKNOWN_SPEAKER

    @property
    def texts(self) -> list[str]:
        """What its annotations say, the empty ones left out."""
        return [span.text for span in self.spans if span.text]

    @property
    def is_coded(self) -> bool:
        """Whether its values repeat from few."""
        texts = self.texts
        distinct = len({text.casefold() for text in texts})
        return len(texts) >= 4 and distinct <= min(_MOST_CODES, len(texts) / 2)

    @property
    def is_emotion(self) -> bool:
        """Whether its name says that it holds emotions, and its values are words from few."""
        texts = {text.casefold() for text in self.texts}
        named = tier_names.is_emotion(self.name) or tier_names.is_emotion(self.kind)
        words = all(len(text) <= 40 and any(c.isalpha() for c in text) for text in texts)
        # A speaker may be called as emotions are; what the kind of the tier says comes first.
        spoken = tier_names.layer_of(self.kind) == "utterances"
        return named and words and not spoken and (self.closed or len(texts) <= _MOST_CODES)


def transcript_of(tiers: Iterable[Tier], name: str, notes: Sequence[str] = ()) -> Transcript:
    """The speech of an annotation, with the emotions of a tier of them as labels where it is clear whose they are.

    Every tier that is not read is named in a note, with the reason.

    Raises:
        DataError: no tier holds speech.
    """
    silences = list[str]()
    bare = (_without_marks(tier, silences) for tier in islice(tiers, _MOST_TIERS + 1))
    with_text = [tier for tier in bare if any(span.text for span in tier.spans)]
    if len(with_text) > _MOST_TIERS:
        raise DataError(f"{name} should have at most {_MOST_TIERS:,} tiers. Found more.")
    said = list(notes)
    if silences:
        kinds = listed([repr(kind) for kind in dict.fromkeys(silences)])
        said.append(f"{len(silences)} annotations mark silence and are left out ({kinds}).")
    speech, others = _parted(with_text)
    if with_text and not speech:
        reasons = [f"{tier.name!r} ({reason})" for tier, reason in others]
        raise DataError(
            f"{name} should have a tier with what was said. Found {listed(reasons)}. Add one, or save that tier alone."
        )
    _join_lanes(speech)
    emotions = [tier for tier, _ in others if tier.is_emotion]
    said += apply_labels(speech, [tier for tier in emotions if not tier_names.is_predicted(tier.name)])
    if any(tier_names.is_predicted(tier.name) for tier in emotions):
        said.append(PREDICTED)
    if unused := [f"{tier.name!r} ({reason})" for tier, reason in others if not tier.is_emotion]:
        said.append(f"{len(unused)} tiers were not read as speech: {listed(unused, 10)}.")
    named = {tier.name: tier.speaker for tier in speech if not tier.participant and tier.speaker != tier.name}
    if shown := [f"{tier!r} by {speaker}" for tier, speaker in named.items() if speaker != UNKNOWN_SPEAKER]:
        said.append(f"Speakers are named by their tiers: {listed(shown)}.")
    return tidied(in_time(_entries(speech, name, said), name), name, said)


def _join_lanes(speech: Sequence[Tier]) -> None:
    """Give ``Ann (2)`` to Ann: where somebody's utterances overlap, they stand in several tiers."""
    names = {tier.speaker for tier in speech}
    for tier in speech:
        match = _LANE.fullmatch(tier.speaker)
        if match and not tier.participant and match.group(1) in names:
            tier.participant = match.group(1)


def in_time(entries: Sequence[Entry], name: str) -> Entries:
    """Entries by their starts, as those of several tiers belong together; one without a time stays behind its own."""
    keys, last = [], 0.0
    for entry in entries:
        last = entry.cue.start if entry.cue.start is not None else last
        keys.append(last)
    ordered = Entries(name)
    ordered.extend(entries[at] for at in sorted(range(len(entries)), key=keys.__getitem__))
    return ordered


def _without_marks(tier: Tier, silences: list[str]) -> Tier:
    """The tier without marks of silence, which are listed; descriptions of sounds have the brackets of captions."""
    spans = []
    for span in tier.spans:
        # Only a whole annotation: among words somebody may have written it.
        mark = _MARK.fullmatch(span.text)
        if (mark.group(1) if mark else span.text).casefold() not in _SILENCE:
            spans.append(replace(span, text=f"[{mark.group(1)}]") if mark else span)
        else:
            silences.append(span.text)
    return replace(tier, spans=spans)


def _entries(speech: Sequence[Tier], name: str, notes: list[str]) -> Entries:
    entries, joint = Entries(name), list[str]()
    for tier in speech:
        spans = tier.spans
        if tier_names.layer_of(tier.name) == "words":
            spans = _utterances(spans)
            joint.append(repr(tier.name))
        for number, span in enumerate(spans, start=1):
            cue = Cue(joined(span.text), tier.speaker, span.start, span.end, span.label)
            entries.add(f"tier {tier.name}, {number}", cue)
    if joint:
        notes.append(f"Words were joined to utterances at pauses of {_PAUSE} s (tier {listed(joint)}).")
    return entries


def _utterances(words: Sequence[Span]) -> list[Span]:
    """Runs of words between which there is no pause."""
    runs: list[list[Span]] = []
    for word in words:
        before = runs[-1][-1] if runs else None
        near = before and before.end is not None and word.start is not None and word.start - before.end < _PAUSE
        # Of two labels, each is that of an utterance.
        if near and before is not None and before.label == word.label:
            runs[-1].append(word)
        elif word.text:
            runs.append([word])
    return [replace(run[0], text=" ".join(w.text for w in run if w.text), end=run[-1].end) for run in runs]


def _parted(tiers: Sequence[Tier]) -> tuple[list[Tier], list[tuple[Tier, str]]]:
    """The tiers of speech, and the others with the reason why each is none."""
    speech: list[Tier] = []
    others: list[tuple[Tier, str]] = []
    for tier in tiers:
        reason = _reason(tier)
        if reason:
            others.append((tier, reason))
        else:
            speech.append(tier)
    return _without_companions(_of_numbers(speech, others), others)


def _reason(tier: Tier) -> str:
    """Why a tier holds no speech by itself, whatever else there is; empty where it may."""
    if tier.is_emotion:
        return "emotions"
    if tier_names.is_predicted(tier.name):
        return "a model's"
    if tier.closed:
        return "values of a closed list"
    if tier.parent:
        return f"describes {tier.parent!r}"
    return "sounds" if tier_names.layer_of(tier.name) == "sounds" else ""


def _of_numbers(speech: list[Tier], others: list[tuple[Tier, str]]) -> list[Tier]:
    """Where tiers hold only the numbers of utterances, the first tier that describes each: that is where words are."""
    kept = []
    for tier in speech:
        words = (t for t, _ in others if not (t.closed or t.is_emotion or tier_names.is_predicted(t.name)))
        first = next((t for t in words if t.parent == tier.name), None)
        if first is not None and all(tier_names.is_number(text) for text in tier.texts):
            others[:] = [(t, reason) for t, reason in others if t is not first]
            others.append((tier, "numbers of utterances"))
            kept.append(replace(first, participant=first.participant or tier.participant))
        else:
            kept.append(tier)
    return kept


def _without_companions(
    speech: list[Tier], others: list[tuple[Tier, str]]
) -> tuple[list[Tier], list[tuple[Tier, str]]]:
    """Parts from the speech what only goes with it: moments, single words, and codes of a participant who speaks."""
    whole = any(not tier.points for tier in speech)
    sentences = {tier.speaker for tier in speech if not tier.points and tier_names.layer_of(tier.name) != "words"}
    talking = {tier.participant for tier in speech if not tier.is_coded and tier.participant}
    bare = any(tier_names.layer_of(tier.name) != "company" for tier in speech)
    kept = []
    for tier in speech:
        if tier.points and whole:
            others.append((tier, "moments"))
        elif tier_names.layer_of(tier.name) == "words" and tier.speaker in sentences:
            others.append((tier, "single words of what is said"))
        elif tier.is_coded and tier.participant in talking:
            others.append((tier, "values that repeat from few"))
        elif bare and tier_names.layer_of(tier.name) == "company":
            others.append((tier, "goes with speech by its name"))
        else:
            kept.append(tier)
    return kept, others
