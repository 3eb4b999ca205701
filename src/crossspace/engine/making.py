"""Parts made on any engine: all of them, or those of a shard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from crossspace.engine.claim import check_unclaimed, claimed
from crossspace.engine.parts import Outcome, PartsFolder, Unwritten
from crossspace.engine.perform import perform
from crossspace.engine.progress import PartsProgress
from crossspace.engine.shard import Shard
from crossspace.engine.spawned import UnguardedError
from crossspace.engine.work import Done, Event, Failed, Reported, Work
from crossspace.engine.workers import Engine
from crossspace.errors import UsageError, WritingError
from crossspace.runtime import processors

Content = TypeVar("Content")


@dataclass(frozen=True)
class Piece(Generic[Content]):
    """What one part is made from.

    Attributes:
        place: of the part among all.
        members: names of what is in it, such as conversations; by them failures are told.
        contents: of each member, known to the work.
    """

    place: int
    members: tuple[str, ...]
    contents: tuple[Content, ...]

    def apart(self) -> list[Piece[Content]]:
        """Its members one by one, at the same place."""
        return [Piece(self.place, (m,), (c,)) for m, c in zip(self.members, self.contents, strict=True)]


def make_parts(
    folder: PartsFolder,
    plan: Mapping[str, Any],
    pieces: Sequence[Piece[Content]],
    work: Work[Piece[Content], Any],
    *,
    shard: Shard | None = None,
    engine: Engine | None = None,
    jobs: int = 1,
    advice: str = "",
    progress: Callable[[PartsProgress], None] = lambda state: None,
) -> dict[int, Outcome]:
    """What came of the pieces, by their place.

    Args:
        folder: where parts are kept.
        plan: what is made; it is written down, or compared with what other shards make.
        pieces: all of them, in order.
        work: makes the part of a piece, unless it is there, and returns an :class:`Outcome`, or :class:`Unwritten`.
        shard: which of several processes this is; it is written down when it has ended.
        engine: where it is done; on this machine if none is given.
        jobs: parts at a time.
        advice: added to why a piece failed with its process.
        progress: told how far it is, in members.

    Raises:
        UsageError: other shards have other settings, or this one is at work elsewhere.
        CrossspaceError: the work cannot begin.
        WritingError: a part could not be written; those before are kept.
    """
    if folder.target.is_dir():
        raise UsageError(f"{folder.target} should be a file to write. Found a folder; name another.")
    with ExitStack() as held:
        if shard is not None:
            held.enter_context(claimed(folder.shard(shard)))
            check_unclaimed(folder.claim_path)  # who makes the whole claims it, and then looks for shards
        folder.begin({"items": len(pieces), **plan}, alone=shard is None)
        mine = (shard or Shard()).of(pieces)
        listener: _Listener[Content] = _Listener(mine, advice, progress)
        # The cores are shared out: every process with all of them would be slower than one.
        threads = max(1, processors() // max(1, min(jobs, len(mine))))
        try:
            perform(work, mine.values(), listener.hear, engine=engine, count=jobs, threads=threads)
        except UnguardedError as error:
            # The trace would show the inside of multiprocessing and hide the sentence that helps.
            raise UsageError(f"{error} Or use jobs=1.") from None
        if shard is not None:
            folder.record(shard, listener.outcomes)
    return listener.outcomes


class _Listener(Generic[Content]):
    """Keeps what came of each piece, and says how far it is.

    A piece that died with its worker is done again member by member: one of them may be deadly to all.
    """

    def __init__(
        self, pieces: Mapping[int, Piece[Content]], advice: str, progress: Callable[[PartsProgress], None]
    ) -> None:
        self._pieces, self._advice, self._progress = pieces, advice, progress
        self._found: dict[tuple[str, ...], Outcome] = {}
        self._apart: set[int] = set()
        self._total = sum(len(piece.members) for piece in pieces.values())
        self._done = self._failed = 0

    @property
    def outcomes(self) -> dict[int, Outcome]:
        """In the order of the pieces, whichever was ready first."""
        return {place: Outcome.of(self._found[p.members] for p in self._parted(place)) for place in self._pieces}

    def hear(self, event: Event[Piece[Content]]) -> list[Piece[Content]]:
        piece, text = event.item, event.item.members[-1]
        if isinstance(event, Done) and isinstance(event.result, Unwritten):
            raise WritingError(event.result.reason)
        if isinstance(event, Reported):
            text = str(event.message)
        elif isinstance(event, Failed) and event.died and len(piece.members) > 1:
            self._apart.add(piece.place)
            return piece.apart()
        else:
            outcome = event.result if isinstance(event, Done) else self._lost(event)
            self._found[piece.members] = outcome
            self._done += len(piece.members)
            self._failed += len(outcome.failures)
        self._progress(PartsProgress(self._done, self._total, self._failed, text))
        return []

    def _parted(self, place: int) -> list[Piece[Content]]:
        return self._pieces[place].apart() if place in self._apart else [self._pieces[place]]

    def _lost(self, event: Failed[Piece[Content]]) -> Outcome:
        reason = f"{event.reason} {self._advice}".rstrip() if event.died else event.reason
        return Outcome((), dict.fromkeys(event.item.members, reason))
