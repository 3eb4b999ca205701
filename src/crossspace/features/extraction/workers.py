"""What a worker does with some recordings: a part of the corpus, unless it exists already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crossspace.data.conversation import Conversation
from crossspace.data.part import PartFacts, is_part, write_part
from crossspace.engine.making import Piece
from crossspace.engine.parts import Outcome, PartsFolder, Unwritten, key_of
from crossspace.engine.work import Report, Work
from crossspace.errors import CrossspaceError, DataError, WritingError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extraction.plan import Making, recording_key
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribe import Transcription
from crossspace.runtime import optional_import
from crossspace.stores import Where


@dataclass(frozen=True)
class Setup:
    """What a worker has to know.

    Attributes:
        making: how parts are made.
        made_by: its digest where the work was given out.
        target: the corpus that they are parts of.
        cache: folder of the cache; the user's own where none is given.
    """

    making: Making
    made_by: str
    target: str
    cache: Where | None


@dataclass(frozen=True)
class _Bench:
    """What a worker keeps from one piece to the next."""

    making: Making
    folder: PartsFolder
    hearing: Extraction
    reading: Extraction


def work_of(setup: Setup) -> Work[Piece[Recording], _Bench]:
    """The work of making parts."""
    return Work(_begin, _make, setup)


def _begin(setup: Setup) -> _Bench:
    making = setup.making
    if making.digest != setup.made_by:
        raise CrossspaceError(
            f"Every worker should have the same release of crossspace and of the extractors {dict(making.wanted)}. "
            "Found others. Install the same ones on all machines."
        )
    if "visual" in making.wanted:
        # OpenCV starts a thread per core in each process, whatever PyTorch is told.
        optional_import("cv2", "media").setNumThreads(1)
    extractors, cache = making.built, FeatureCache(setup.cache)
    transcription = None if making.transcribing is None else Transcription(making.transcribing).prepared()
    hearing = Extraction({m: e for m, e in extractors.items() if m != "text"}, cache, transcription)
    return _Bench(making, PartsFolder(setup.target), hearing, Extraction(extractors, cache))


def _make(bench: _Bench, piece: Piece[Recording], report: Report) -> Outcome | Unwritten:
    recordings = piece.contents
    keys = _keys(recordings)
    name = _name(bench.making, keys)
    if is_part(bench.folder.part(name)):
        return Outcome([name])
    extracted, failures = _extracted(bench, recordings, report)
    if not extracted:
        return Outcome((), failures)
    name = _name(bench.making, {one: keys[one] for one in extracted})
    try:
        _write(bench, name, list(extracted.values()), _saying(recordings[0].id, report))
    except WritingError as error:
        return Unwritten(str(error))
    except (CrossspaceError, OSError) as error:  # what was found does not hold together
        return Outcome((), failures | dict.fromkeys(extracted, str(error)))
    return Outcome([name], failures)


def _extracted(
    bench: _Bench, recordings: Sequence[Recording], report: Report
) -> tuple[dict[str, tuple[Recording, Extracted]], dict[str, str]]:
    """What came of each recording by its id, and why nothing came of the others."""
    extracted: dict[str, tuple[Recording, Extracted]] = {}
    failures: dict[str, str] = {}
    for recording in recordings:
        result = extracted_or_reason(bench.hearing, recording, _saying(recording.id, report))
        if isinstance(result, Extracted):
            extracted[recording.id] = recording, result
        else:
            failures[recording.id] = result
    return extracted, failures


def _keys(recordings: Sequence[Recording]) -> dict[str, str]:
    """What each recording is known by."""
    keys = {}
    for recording in recordings:
        try:
            keys[recording.id] = recording_key(recording)
        except (OSError, DataError):  # whoever reads it says what is wrong; no part has such a key
            keys[recording.id] = key_of(repr(recording))
    return keys


def _name(making: Making, keys: dict[str, str]) -> str:
    return key_of(making.digest, list(keys.values()))


def _saying(name: str, report: Report) -> Callable[[str], None]:
    return lambda stage: report(f"{name}: {stage}")


def _write(
    bench: _Bench, name: str, extracted: Sequence[tuple[Recording, Extracted]], said: Callable[[str], None]
) -> None:
    """Extract the texts of all together, and write the part."""
    conversations = [result.conversation for _, result in extracted]
    notes = {result.conversation.id: list(result.notes) for _, result in extracted}
    if "text" in bench.reading.extractors:
        # Noted first: once it has its features, a text does not say any more whether it was read to its end.
        for conversation in conversations:
            notes[conversation.id] += bench.reading.unread(conversation)
        conversations = bench.reading.fill(conversations, said)
    splits = [recording.split for recording, _ in extracted]
    pairs: list[tuple[str | None, Conversation]] = list(zip(splits, conversations, strict=True))
    facts = PartFacts(
        bench.making.digest,
        {one: sentences for one, sentences in notes.items() if sentences},
        {result.conversation.id: result.heard for _, result in extracted if result.heard},
    )
    write_part(bench.folder.part(name), pairs, bench.making.widths, facts)


def extracted_or_reason(
    extraction: Extraction, recording: Recording, said: Callable[[str], None] = lambda stage: None
) -> Extracted | str:
    """What came of a recording, or why nothing did: whatever is wrong with it concerns no other."""
    try:
        return extraction.run(recording, said)
    except (CrossspaceError, OSError) as error:
        return str(error)
    except Exception as error:  # what a library makes of a file that it was not written for
        return f"{type(error).__name__}: {error}"
