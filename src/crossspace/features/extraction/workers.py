"""Several recordings at a time, each in a process of its own; one that kills its process is told and the rest go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from crossspace.engine.processes import Processes
from crossspace.engine.spawned import UnguardedError
from crossspace.engine.work import Done, Failed, Report, Work
from crossspace.errors import CrossspaceError, UsageError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extractors import build
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribe import Transcription
from crossspace.features.speech.transcribing import Transcribing
from crossspace.runtime import optional_import, processors

Result = tuple[Recording, Extracted | str]
"""A recording and what came of it, or why nothing did."""

_DEADLY = (
    "It happened while it extracted this recording, perhaps for want of memory or because a library crashed. Convert "
    "the recording to MP4 or WAV, or cut it."
)


def side_by_side(
    recordings: Sequence[Recording],
    media: Mapping[str, str],
    cache: Path | None,
    jobs: int,
    transcribing: Transcribing | None = None,
) -> Iterator[Result]:
    """The results of recordings as they come.

    Args:
        recordings: what there is.
        media: ``{modality: "NAME[:VALUE][,key=value]"}`` of audio and visual.
        cache: folder of the cache; the user's own where none is given.
        jobs: processes at a time.
        transcribing: how recordings without a transcript are transcribed; each process loads what does it once.
    """
    jobs = min(jobs, len(recordings))
    work = Work(_begin, _extract, (dict(media), cache, transcribing))
    try:
        # The cores are shared out: every process with all of them would be slower than one.
        with Processes(work, jobs, threads=max(1, processors() // max(1, jobs))) as running:
            running.add(recordings)
            for event in running:
                if isinstance(event, Done):
                    yield event.item, event.result
                elif isinstance(event, Failed):
                    yield event.item, f"{event.reason} {_DEADLY}" if event.died else event.reason
    except UnguardedError as error:
        # The trace would show the inside of multiprocessing and hide the sentence that helps.
        raise UsageError(f"{error} Or use jobs=1.") from None


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


def _begin(setup: tuple[Mapping[str, str], Path | None, Transcribing | None]) -> Extraction:
    media, cache, transcribing = setup
    transcription = None if transcribing is None else Transcription(transcribing)
    if "visual" in media:
        # OpenCV starts a thread per core in each process, whatever PyTorch is told.
        optional_import("cv2", "media").setNumThreads(1)
    return Extraction({m: build(m, name) for m, name in media.items()}, FeatureCache(cache), transcription)


def _extract(extraction: Extraction, recording: Recording, report: Report) -> Extracted | str:
    return extracted_or_reason(extraction, recording)
