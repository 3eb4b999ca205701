"""Several recordings at a time, each in a process of its own; one that kills its process is told and the rest go on."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

from crossspace.components import Origin, imported, load_again
from crossspace.errors import CrossspaceError, UsageError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extractors import build
from crossspace.features.sources import Recording
from crossspace.runtime import end_with_parent, optional_import

Result = tuple[Recording, Extracted | str]
"""A recording and what came of it, or why nothing did."""

_CONTEXT = multiprocessing.get_context("spawn")
_UNGUARDED = (
    "The processes for several recordings at a time ended before they began. Each begins by importing the script that "
    'asks for them, and must not ask again: write what the script does below a line `if __name__ == "__main__":`, or '
    "use jobs=1."
)
_KILLED = (
    "The process that extracted it ended without a word, probably for want of memory or because a library crashed. "
    "Convert the recording to MP4 or WAV, or cut it."
)


def side_by_side(
    recordings: Sequence[Recording], media: Mapping[str, str], cache: Path | None, jobs: int
) -> Iterator[Result]:
    """The results of recordings as they come.

    No more recordings are handed out than there are processes: when one of these dies, the recordings in work are those
    that may have killed it. Each of them is tried again alone, and then the others go on.

    Args:
        recordings: what there is.
        media: ``{modality: "NAME[:VALUE][,key=value]"}`` of audio and visual.
        cache: folder of the cache; the user's own where none is given.
        jobs: processes at a time.
    """
    waiting = deque(recordings)
    while waiting:
        suspects: list[Recording] = []
        yield from _until_one_dies(waiting, suspects, media, cache, jobs)
        for suspect in suspects:
            alone: list[Recording] = []
            yield from _until_one_dies(deque([suspect]), alone, media, cache, 1)
            yield from ((killer, _KILLED) for killer in alone)


def tried(extraction: Extraction, recording: Recording) -> Extracted | str:
    """What came of a recording, or why nothing did: whatever is wrong with it concerns no other."""
    try:
        return extraction.run(recording)
    except (CrossspaceError, OSError) as error:
        return str(error)
    except Exception as error:  # what a library makes of a file that it was not written for
        return f"{type(error).__name__}: {error}"


def _until_one_dies(
    waiting: deque[Recording], suspects: list[Recording], media: Mapping[str, str], cache: Path | None, jobs: int
) -> Iterator[Result]:
    """Results of what is ``waiting``, until none is left or a process died; ``suspects`` are then those in work."""
    running: dict[Future[Extracted | str], Recording] = {}
    begun = _CONTEXT.Event()
    with _pool(media, cache, min(jobs, len(waiting)), begun) as pool:
        while running or (waiting and not suspects):
            while waiting and not suspects and len(running) < jobs:
                try:
                    running[pool.submit(_work, waiting[0])] = waiting[0]
                except BrokenProcessPool:  # it died since the last result
                    if not begun.is_set():
                        raise UsageError(_UNGUARDED) from None
                    break
                except RuntimeError:
                    if multiprocessing.current_process().name == "MainProcess":
                        raise
                    # This process imports the script that asked for it, and is not to ask again; that one says why.
                    raise SystemExit(1) from None
                waiting.popleft()
            if not running:  # the one that died had nothing in work
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                recording = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    if not begun.is_set():
                        raise UsageError(_UNGUARDED) from None
                    suspects.append(recording)
                else:
                    yield recording, future.result()


@contextmanager
def _pool(media: Mapping[str, str], cache: Path | None, jobs: int, begun: Event) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(jobs, _CONTEXT, _begin, (dict(media), cache, jobs, begun, imported())) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_extraction_here: Extraction | None = None


def _begin(media: Mapping[str, str], cache: Path | None, jobs: int, begun: Event, imports: tuple[Origin, ...]) -> None:
    global _extraction_here
    begun.set()
    end_with_parent()
    load_again(imports)
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))
    if "visual" in media:
        optional_import("cv2", "media").setNumThreads(1)
    _extraction_here = Extraction({m: build(m, name) for m, name in media.items()}, FeatureCache(cache))


def _work(recording: Recording) -> Extracted | str:
    assert _extraction_here is not None
    return tried(_extraction_here, recording)
