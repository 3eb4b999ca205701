"""From many recordings to one corpus: in parts, on any engine, with every failure told, and merged in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import HASH
from crossspace.data.cuts.rules import VALIDATION_FRACTION
from crossspace.data.merge import Merging, merge_parts, notes_of
from crossspace.engine.making import Piece, make_parts
from crossspace.engine.parts import Outcome, PartsFolder, key_of
from crossspace.engine.progress import PartsProgress
from crossspace.engine.shard import Shard
from crossspace.engine.workers import Engine
from crossspace.errors import DataError
from crossspace.features.extraction.labels import Labels
from crossspace.features.extraction.plan import Making, pieces
from crossspace.features.extraction.workers import Setup, work_of
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribing import Transcribing
from crossspace.stores import Where

KIND = "extract"
_MOST_NOTES = 20
_DEADLY = (
    "It happened while it extracted this recording, perhaps for want of memory or because a library crashed. Convert "
    "the recording to MP4 or WAV, or cut it."
)


@dataclass(frozen=True)
class Described:
    """What a corpus is to say of itself, and how its splits are cut.

    Attributes:
        labels: names and order of the labels; those that occur, in the order of the alphabet, where none are given.
        unlabelled: labels that stand for none.
        speakers: names of the speakers when they mean the same in every conversation, or how many are told apart
            within one; without it, as many as the conversation with most speakers has, and no more than 16.
        name, source, licence: as the corpus states them.
        validation_cut, validation_fraction, seed: see :func:`~crossspace.data.cuts.recut.cut_validation`.
    """

    labels: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    speakers: int | tuple[str, ...] | None = None
    name: str = "corpus"
    source: str = ""
    licence: str = ""
    validation_cut: str = HASH
    validation_fraction: float = VALIDATION_FRACTION
    seed: int = 0


@dataclass(frozen=True)
class ExtractionResult:
    """What came of all recordings.

    Attributes:
        corpus: as it was written.
        failures: ``{conversation id: reason}`` of those that could not be extracted.
        notes: ``{conversation id: sentences}`` on what was mended or left out, of the first conversations.
        noted: conversations on which there are notes.
        set_aside: ``{label: utterances}`` that were taken for unlabelled.
    """

    corpus: Corpus
    failures: dict[str, str]
    notes: dict[str, tuple[str, ...]]
    noted: int
    set_aside: dict[str, int]


def extract(
    recordings: Sequence[Recording],
    wanted: Mapping[str, str],
    target: Where,
    described: Described | None = None,
    *,
    cache: Where | None = None,
    engine: Engine | None = None,
    jobs: int = 1,
    transcribing: Transcribing | None = None,
    progress: Callable[[PartsProgress], None] = lambda state: None,
) -> ExtractionResult:
    """Extract features of recordings into a corpus file.

    What is found is kept at once, in parts beside the file and in the cache: the same call goes on after an
    interruption, on whatever engine. A recording that cannot be read is told of and does not stop the others.

    Args:
        recordings: what there is.
        wanted: ``{modality: "NAME[:VALUE][,key=value]"}``.
        target: the corpus file (``.parquet``).
        described: what the corpus says of itself.
        cache: folder of the cache; the user's own where none is given.
        engine: where it is done; on this machine if none is given.
        jobs: parts at a time.
        transcribing: how recordings without a transcript are transcribed; without it, only where somebody speaks is
            found.
        progress: told how far it is.

    Raises:
        UsageError, MissingExtraError, DataError: an extractor or a recogniser cannot be had, two recordings have the
            same id, none could be read, or together they do not hold together.
    """
    folder = PartsFolder(target)
    with folder.claim():
        outcomes = extract_parts(
            recordings,
            wanted,
            target,
            described,
            cache=cache,
            engine=engine,
            jobs=jobs,
            transcribing=transcribing,
            progress=progress,
        )
        result = _merged(folder, list(outcomes.values()))
        folder.remove()
    return result


def extract_parts(
    recordings: Sequence[Recording],
    wanted: Mapping[str, str],
    target: Where,
    described: Described | None = None,
    *,
    shard: Shard | None = None,
    cache: Where | None = None,
    engine: Engine | None = None,
    jobs: int = 1,
    transcribing: Transcribing | None = None,
    progress: Callable[[PartsProgress], None] = lambda state: None,
) -> dict[int, Outcome]:
    """The parts of such a corpus, all or those of a shard; :func:`merge` makes the corpus of them.

    Args:
        shard: which of several processes this is.
        recordings, wanted, target, described, cache, engine, jobs, transcribing, progress: as for :func:`extract`.

    Returns:
        what came of each part, by its place among all.

    Raises:
        UsageError, MissingExtraError, DataError: as :func:`extract`, or other shards have other settings.
    """
    twice = [name for name, times in Counter(r.id for r in recordings).items() if times > 1]
    if twice:
        raise DataError(f"Recordings should have ids of their own. Found {twice[0]!r} more than once.")
    # Built before any recording is read: a misspelt name or a model that is not there fails at once.
    making = Making(dict(wanted), transcribing)
    every = [Piece(i, tuple(r.id for r in some), some) for i, some in enumerate(pieces(recordings))]
    return make_parts(
        PartsFolder(target),
        _plan(every, making, described or Described()),
        every,
        work_of(Setup(making, making.digest, str(target), cache)),
        shard=shard,
        engine=engine,
        jobs=jobs,
        advice=_DEADLY,
        progress=progress,
    )


def merge(target: Where) -> ExtractionResult:
    """The corpus of the parts that shards have made; the parts are removed unless something failed.

    Raises:
        DataError: a shard lacks, a part is damaged or one of another corpus.
        UsageError: a shard is still at work.
    """
    folder = PartsFolder(target)
    with folder.claim():
        result = _merged(folder, folder.outcomes())
        if not result.failures:
            folder.remove()
    return result


def _plan(every: Sequence[Piece[Recording]], making: Making, described: Described) -> dict[str, Any]:
    """All that decides of the corpus, for those who merge it and for those who share the work."""
    told = {**vars(described), "labels": list(described.labels), "unlabelled": list(described.unlabelled)}
    return {
        "kind": KIND,
        # As they are cut in parts: one that grew between two shards would move others from part to part, and out.
        "recordings": key_of([[[r.id, r.split, r.has_media] for r in piece.contents] for piece in every]),
        "made_by": making.digest,
        "extractors": making.extractors,
        "widths": making.widths,
        **told,
    }


def _merged(folder: PartsFolder, outcomes: Sequence[Outcome]) -> ExtractionResult:
    failures = {name: reason for outcome in outcomes for name, reason in outcome.failures.items()}
    parts = [folder.part(name) for outcome in outcomes for name in outcome.parts]
    if not parts:
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in list(failures.items())[:20])
        raise DataError(f"None of {len(failures)} recordings could be extracted:{reasons}")
    plan = folder.plan()
    if plan.get("kind") != KIND:
        raise DataError(f"{folder.path} should hold the parts of an extraction. Found those of {plan.get('kind')!r}.")
    labels = Labels(plan["labels"], plan["unlabelled"])
    corpus, counts = merge_parts(parts, plan["made_by"], folder.target, _merging(plan, labels))
    notes: dict[str, tuple[str, ...]] = {}
    noted = 0
    for name, sentences in notes_of(parts, plan["widths"]):
        noted += 1
        if noted <= _MOST_NOTES:
            notes[name] = tuple(sentences)
    return ExtractionResult(corpus, failures, notes, noted, labels.set_aside(counts))


def _merging(plan: Mapping[str, Any], labels: Labels) -> Merging:
    speakers = plan["speakers"]
    return Merging(
        plan["widths"],
        plan["extractors"],
        labels.names,
        labels.relabel,
        labels.refuse_unknown,
        tuple(speakers) if isinstance(speakers, list) else speakers,
        plan["name"],
        plan["source"],
        plan["licence"],
        plan["validation_cut"],
        plan["validation_fraction"],
        plan["seed"],
    )
