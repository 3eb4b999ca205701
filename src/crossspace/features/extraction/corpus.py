"""From many recordings to one corpus: several at a time, resumed where it was interrupted, with every failure told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from crossspace.features.extraction.utterance_ids import told_apart
from crossspace.features.extraction.workers import Result, side_by_side, tried
from crossspace.features.extractors import build
from crossspace.features.sources import Recording

_MOST_SPEAKERS = 16
_TEXTS_AT_ONCE = 2048
"""Utterances whose text is extracted before the next are begun, so that progress is seen and nothing much is lost."""


@dataclass(frozen=True)
class Standing:
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
class Harvest:
    """What came of all recordings.

    Attributes:
        conversations: ``{split: conversations}`` with features.
        notes: ``{conversation id: sentences}`` on what was mended or left out.
        failures: ``{conversation id: reason}`` of those that could not be extracted.
        extractors: ``{modality: identity}``.
        widths: ``{modality: D}``.
    """

    conversations: dict[str | None, list[Conversation]]
    notes: dict[str, tuple[str, ...]]
    failures: dict[str, str]
    extractors: dict[str, dict]
    widths: dict[str, int]


def extract(
    recordings: Sequence[Recording],
    wanted: Mapping[str, str],
    *,
    cache: Path | None = None,
    jobs: int = 1,
    progress: Callable[[Standing], None] = lambda standing: None,
) -> Harvest:
    """Extract features of recordings.

    Everything found is in the cache at once: the same call goes on after an interruption. A recording that cannot be
    read is told of at the end and does not stop the others.

    Args:
        recordings: what there is.
        wanted: ``{modality: "NAME[:VALUE][,key=value]"}``.
        cache: folder of the cache; the user's own where none is given.
        jobs: recordings at a time, each in a process of its own.
        progress: told how far it is.

    Raises:
        UsageError, MissingExtraError, DataError: an extractor cannot be had, two recordings have the same id, or none
            could be read.
    """
    twice = [name for name, times in Counter(r.id for r in recordings).items() if times > 1]
    if twice:
        raise DataError(f"Recordings should have ids of their own. Found {twice[0]!r} more than once.")
    extractors = {modality: build(modality, name) for modality, name in wanted.items()}
    media = {m: name for m, name in wanted.items() if m != "text"}
    found: dict[str, Extracted] = {}
    failures: dict[str, str] = {}
    here = Extraction(extractors, FeatureCache(cache))
    if jobs <= 1 or len(recordings) <= 1 or not media:
        work = _in_turn(recordings, Extraction({m: extractors[m] for m in media}, here.cache))
    else:
        work = side_by_side(recordings, media, cache, jobs)
    for recording, result in work:
        if isinstance(result, Extracted):
            found[recording.id] = result
        else:
            failures[recording.id] = result
        progress(Standing("recordings", len(found) + len(failures), len(recordings), len(failures), recording.id))
    if not found:
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in list(failures.items())[:20])
        raise DataError(f"None of {len(recordings)} recordings could be extracted:{reasons}")
    kept = [r for r in recordings if r.id in found]
    named = told_apart([found[r.id].conversation for r in kept])
    ordered = [(r.split, conversation) for r, conversation in zip(kept, named, strict=True)]
    notes = {name: e.notes for name, e in found.items()}
    if "text" in extractors:
        for _, conversation in ordered:
            notes[conversation.id] += here.unread(conversation)
        ordered = _with_text(ordered, here, progress)
    conversations: dict[str | None, list[Conversation]] = {}
    for split, conversation in ordered:
        conversations.setdefault(split, []).append(conversation)
    return Harvest(
        conversations,
        {name: sentences for name, sentences in notes.items() if sentences},
        failures,
        {m: e.identity for m, e in extractors.items()},
        {m: e.width for m, e in extractors.items()},
    )


def to_corpus(
    harvest: Harvest,
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
        harvest: what was extracted.
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
    conversations = {split: known.applied(members) for split, members in harvest.conversations.items()}
    everything = [c for members in conversations.values() for c in members]
    seen = sorted({u.label for c in everything for u in c.utterances if u.label is not None})
    if speakers is None:
        most = max(len({u.speaker for u in c.utterances}) for c in everything)
        speakers = min(max(most, 2), _MOST_SPEAKERS)
    told = speakers if isinstance(speakers, int) else tuple(speakers)
    spec = TaskSpec(known.names or tuple(seen), harvest.widths, told)
    corpus = Corpus(conversations, spec, name=name, source=source, licence=licence, extractors=harvest.extractors)
    return cut_validation(corpus, validation_cut, fraction=validation_fraction, seed=seed)


def _with_text(
    ordered: list[tuple[str | None, Conversation]], extraction: Extraction, progress: Callable[[Standing], None]
) -> list[tuple[str | None, Conversation]]:
    """All texts together, since short ones are fastest in the company of others as short."""
    total, done, at = sum(len(c) for _, c in ordered), 0, 0
    filled: list[tuple[str | None, Conversation]] = []
    while at < len(ordered):
        stop, rows = at, 0
        while stop < len(ordered) and rows < _TEXTS_AT_ONCE:
            rows += len(ordered[stop][1])
            stop += 1
        conversations = extraction.fill([c for _, c in ordered[at:stop]])
        filled += zip((split for split, _ in ordered[at:stop]), conversations, strict=True)
        at, done = stop, done + rows
        progress(Standing("text", done, total))
    return filled


def _in_turn(recordings: Sequence[Recording], extraction: Extraction) -> Iterator[Result]:
    for recording in recordings:
        yield recording, tried(extraction, recording)
