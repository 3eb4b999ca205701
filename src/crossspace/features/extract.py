"""From many recordings to one corpus: several at a time, resumed where it was interrupted, with every failure told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.splits import VALIDATION_FRACTION, validation_ids
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, suggestion
from crossspace.features.cache import FeatureCache
from crossspace.features.extraction import Extracted, Extraction
from crossspace.features.extractors import build
from crossspace.features.sources import Recording
from crossspace.features.workers import Result, side_by_side, tried

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
    ordered = [(r.split, found[r.id].conversation) for r in recordings if r.id in found]
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
    harvest: Harvest, *, labels: Sequence[str] = (), name: str = "corpus", source: str = "", licence: str = ""
) -> Corpus:
    """The corpus of an extraction.

    Speakers are local to their conversation. Where there is a train split and no validation split, the latter is cut
    from the former, as importers do.

    Args:
        harvest: what was extracted.
        labels: names and order of the labels; those that occur, in the order of the alphabet, where none are given.
        name, source, licence: as the corpus states them.

    Raises:
        DataError: a label occurs that ``labels`` lacks.
    """
    utterances = [u for members in harvest.conversations.values() for c in members for u in c.utterances]
    seen = sorted({u.label for u in utterances if u.label is not None})
    strange = [label for label in seen if labels and label not in labels]
    if strange:
        raise DataError(
            f"--labels should name every label. Found {strange[0]!r} besides. {suggestion(strange[0], labels)}"
        )
    most = max(len({u.speaker for u in c.utterances}) for members in harvest.conversations.values() for c in members)
    spec = TaskSpec(tuple(labels) or tuple(seen), harvest.widths, min(max(most, 2), _MOST_SPEAKERS))
    corpus = Corpus(
        harvest.conversations, spec, name=name, source=source, licence=licence, extractors=harvest.extractors
    )
    if "train" in corpus.splits and "validation" not in corpus.splits:
        held = validation_ids(corpus.conversation_ids("train"), VALIDATION_FRACTION, 0)
        corpus = corpus.with_splits(dict.fromkeys(held, "validation"))
    return corpus


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
