"""From many recordings to one corpus: several at a time, resumed where it was interrupted, with every failure told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import HASH, cut_validation
from crossspace.data.cuts.rules import VALIDATION_FRACTION
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extraction.labels import Labels
from crossspace.features.extraction.utterance_ids import with_unique_ids
from crossspace.features.extraction.workers import Result, extracted_or_reason, side_by_side
from crossspace.features.extractors import build
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribe import Transcription
from crossspace.features.speech.transcribing import Transcribing

_MOST_SPEAKERS = 16
_TEXTS_AT_ONCE = 2048
"""Utterances whose text is extracted before the next are begun, so that progress is seen and nothing much is lost."""


@dataclass(frozen=True)
class ExtractionProgress:
    """How far an extraction is.

    Attributes:
        stage: ``recordings`` or ``text``.
        done, total: recordings, or utterances of text.
        failed: recordings that could not be extracted.
        text: the latest news.
    """

    stage: str
    done: int
    total: int
    failed: int = 0
    text: str = ""


@dataclass(frozen=True)
class ExtractionResult:
    """What came of all recordings.

    Attributes:
        conversations: ``{split: conversations}`` with features.
        notes: ``{conversation id: sentences}`` on what was mended or left out.
        failures: ``{conversation id: reason}`` of those that could not be extracted.
        extractors: ``{modality: identity}``.
        widths: ``{modality: D}``.
        heard: ``{conversation id: track or channels}`` where they were chosen.
    """

    conversations: dict[str | None, list[Conversation]]
    notes: dict[str, tuple[str, ...]]
    failures: dict[str, str]
    extractors: dict[str, dict]
    widths: dict[str, int]
    heard: dict[str, str] = field(default_factory=dict)


def extract(
    recordings: Sequence[Recording],
    wanted: Mapping[str, str],
    *,
    cache: Path | None = None,
    jobs: int = 1,
    transcribing: Transcribing | None = None,
    progress: Callable[[ExtractionProgress], None] = lambda state: None,
) -> ExtractionResult:
    """Extract features of recordings.

    Everything found is in the cache at once: the same call goes on after an interruption. A recording that cannot be
    read is told of at the end and does not stop the others.

    Args:
        recordings: what there is.
        wanted: ``{modality: "NAME[:VALUE][,key=value]"}``.
        cache: folder of the cache; the user's own where none is given.
        jobs: recordings at a time, each in a process of its own.
        transcribing: how recordings without a transcript are transcribed; without it, only where somebody speaks is
            found.
        progress: told how far it is.

    Raises:
        UsageError, MissingExtraError, DataError: an extractor or a recogniser cannot be had, two recordings have the
            same id, or none could be read.
    """
    twice = [name for name, times in Counter(r.id for r in recordings).items() if times > 1]
    if twice:
        raise DataError(f"Recordings should have ids of their own. Found {twice[0]!r} more than once.")
    # Built before any recording is read: a misspelt name or a model that is not there fails at once.
    extractors = {modality: build(modality, name) for modality, name in wanted.items()}
    media = {m: name for m, name in wanted.items() if m != "text"}
    extraction = Extraction(extractors, FeatureCache(cache))
    transcription = None if transcribing is None else Transcription(transcribing).prepared()
    if jobs <= 1 or len(recordings) <= 1 or not (media or transcription):
        hearing = Extraction({m: extractors[m] for m in media}, extraction.cache, transcription)
        results = _in_turn(recordings, hearing, progress)
    else:
        del transcription  # it may be large, and every worker loads its own
        results = side_by_side(recordings, media, cache, jobs, transcribing)
    extracted, failures = _collected(results, len(recordings), progress)
    conversations, notes = _with_ids(recordings, extracted)
    if "text" in extractors:
        # Noted first: once it has its features, a text does not say any more whether it was read to its end.
        for _, conversation in conversations:
            notes[conversation.id] += extraction.unread(conversation)
        conversations = _with_text(conversations, extraction, progress)
    return ExtractionResult(
        _by_split(conversations),
        {name: sentences for name, sentences in notes.items() if sentences},
        failures,
        {m: e.identity for m, e in extractors.items()},
        {m: e.width for m, e in extractors.items()},
        # In the order of the recordings, whichever was ready first.
        {r.id: extracted[r.id].heard for r in recordings if r.id in extracted and extracted[r.id].heard},
    )


def _collected(
    results: Iterator[Result], total: int, progress: Callable[[ExtractionProgress], None]
) -> tuple[dict[str, Extracted], dict[str, str]]:
    """What came of each recording by its id, and why nothing came of the others.

    Raises:
        DataError: none could be extracted.
    """
    extracted: dict[str, Extracted] = {}
    failures: dict[str, str] = {}
    for recording, result in results:
        if isinstance(result, Extracted):
            extracted[recording.id] = result
        else:
            failures[recording.id] = result
        done = len(extracted) + len(failures)
        progress(ExtractionProgress("recordings", done, total, len(failures), recording.id))
    if not extracted:
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in list(failures.items())[:20])
        raise DataError(f"None of {total} recordings could be extracted:{reasons}")
    return extracted, failures


def _with_ids(
    recordings: Sequence[Recording], extracted: Mapping[str, Extracted]
) -> tuple[list[tuple[str | None, Conversation]], dict[str, tuple[str, ...]]]:
    """``(split, conversation)`` of what was extracted, and the notes on each by its id."""
    # In the order of the recordings: processes deliver them in any, and the corpus should not depend on it.
    readable = [recording for recording in recordings if recording.id in extracted]
    conversations = with_unique_ids([extracted[recording.id].conversation for recording in readable])
    pairs = [(recording.split, c) for recording, c in zip(readable, conversations, strict=True)]
    return pairs, {name: result.notes for name, result in extracted.items()}


def _by_split(pairs: Sequence[tuple[str | None, Conversation]]) -> dict[str | None, list[Conversation]]:
    conversations: dict[str | None, list[Conversation]] = {}
    for split, conversation in pairs:
        conversations.setdefault(split, []).append(conversation)
    return conversations


def to_corpus(
    result: ExtractionResult,
    *,
    labels: Sequence[str] | Labels = (),
    speakers: int | Sequence[str] | None = None,
    name: str = "corpus",
    source: str = "",
    licence: str = "",
    validation_cut: str = HASH,
    validation_fraction: float = VALIDATION_FRACTION,
    seed: int = 0,
) -> Corpus:
    """The corpus of an extraction.

    Where there is a train split and no validation split, the latter is cut from the former, as importers do.

    Args:
        result: what was extracted.
        labels: names and order of the labels, and what stands for none; those that occur, in the order of the alphabet,
            where none are given.
        speakers: names of the speakers when they mean the same in every conversation, or how many are told apart within
            one; without it, as many as the conversation with most speakers has, and no more than 16.
        name, source, licence: as the corpus states them.
        validation_cut, validation_fraction, seed: see :func:`~crossspace.data.cuts.recut.cut_validation`.

    Raises:
        DataError: a label occurs that ``labels`` lacks.
        UsageError: the cut is impossible.
    """
    known = labels if isinstance(labels, Labels) else Labels(labels)
    conversations = {split: known.applied(members) for split, members in result.conversations.items()}
    everything = [c for members in conversations.values() for c in members]
    seen = sorted({u.label for c in everything for u in c.utterances if u.label is not None})
    # Counted from what occurs, within bounds: names of a crowd (Guest 1, Guest 2) would blow up the speaker table.
    if speakers is None:
        most = max(len({u.speaker for u in c.utterances}) for c in everything)
        speakers = min(max(most, 2), _MOST_SPEAKERS)
    slots = speakers if isinstance(speakers, int) else tuple(speakers)
    spec = TaskSpec(known.names or tuple(seen), result.widths, slots)
    corpus = Corpus(
        conversations,
        spec,
        name=name,
        source=source,
        licence=licence,
        extractors=result.extractors,
        heard=result.heard,
    )
    return cut_validation(corpus, validation_cut, fraction=validation_fraction, seed=seed)


def _with_text(
    pairs: list[tuple[str | None, Conversation]], extraction: Extraction, progress: Callable[[ExtractionProgress], None]
) -> list[tuple[str | None, Conversation]]:
    """All texts together, since short ones are fastest in the company of others as short."""
    total, done, at = sum(len(c) for _, c in pairs), 0, 0
    filled: list[tuple[str | None, Conversation]] = []
    # Whole conversations at a time, until there are enough texts.
    while at < len(pairs):
        stop, rows = at, 0
        while stop < len(pairs) and rows < _TEXTS_AT_ONCE:
            rows += len(pairs[stop][1])
            stop += 1
        conversations = extraction.fill([c for _, c in pairs[at:stop]])
        filled += zip((split for split, _ in pairs[at:stop]), conversations, strict=True)
        at, done = stop, done + rows
        progress(ExtractionProgress("text", done, total))
    return filled


def _in_turn(
    recordings: Sequence[Recording], extraction: Extraction, progress: Callable[[ExtractionProgress], None]
) -> Iterator[Result]:
    failed = 0
    for done, recording in enumerate(recordings):

        def said(stage: str, done: int = done, failed: int = failed, name: str = recording.id) -> None:
            progress(ExtractionProgress("recordings", done, len(recordings), failed, f"{name}: {stage}"))

        result = extracted_or_reason(extraction, recording, said)
        failed += isinstance(result, str)
        yield recording, result
