"""A claim that is held: a file that says so, rewritten as long as its owner lives, and lost when another took over."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace

from crossspace.engine.owner import Owner, claim_path, generations, newest, read_owner, this_process
from crossspace.errors import CrossspaceError, WritingError
from crossspace.runtime import write_new, write_text
from crossspace.stores import Place

BEAT = 5.0
"""Seconds between two signs of life."""
_TRIES = 3
"""How often a claim is written: whoever sweeps the folder at that moment takes it for a half of a dead process."""


class TakenOverError(CrossspaceError):
    """A folder that was ours belongs to another: this process stood still for so long that it was taken for dead."""


class Claim:
    """A folder that is ours until somebody takes it over.

    Args:
        folder: which.
        owner: this process, as the claim file names it.
    """

    def __init__(self, folder: Place, owner: Owner) -> None:
        self.folder, self.owner = folder, owner
        self._lost_to: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, daemon=True, name="claim")

    @classmethod
    def make(cls, folder: Place, after: Owner | None) -> Claim | None:
        """Claim a folder that nobody holds, or only a dead owner; None where another was faster.

        Args:
            folder: which.
            after: the newest owner, who is dead.
        """
        owner = this_process(1 if after is None else after.generation + 1)
        if not _written(folder, owner):
            return None
        claim = cls(folder, owner)
        # A folder that was left and claimed anew in between begins with the first generation again.
        now = None if after is None else read_owner(folder, after.generation)
        if claim.is_lost or (after is not None and now is not None and now.token != after.token):
            claim.remove()
            return None
        return claim

    def begin(self) -> None:
        """Give signs of life from now on."""
        self._thread.start()

    def _beat_on(self) -> None:
        while not self._over.wait(BEAT) and not self.is_lost:
            with suppress(OSError, CrossspaceError):  # a disk or a network that comes back
                self.beat()

    def beat(self) -> None:
        """One sign of life, unless the claim is lost."""
        if not self.is_lost:
            self.owner = replace(self.owner, beat=self.owner.beat + 1)
            write_text(self._path, self.owner.text())

    @property
    def is_lost(self) -> bool:
        """Whether another has taken over; looked up in the folder."""
        if self._lost_to is None:
            mine, last = read_owner(self.folder, self.owner.generation), newest(self.folder)
            if mine is None or mine.token != self.owner.token or (last is not None and last.token != mine.token):
                self._lost_to = "another process, which has ended" if last is None else str(last)
        return self._lost_to is not None

    def check(self) -> None:
        """Asked by whoever works in the folder, now and then.

        Raises:
            TakenOverError: the claim was lost, as the last sign of life has found.
        """
        # The thread looks: here it is asked at every step of a training.
        if self._lost_to is not None:
            raise TakenOverError(
                f"{self.folder} was taken over by {self._lost_to}, because this process gave no sign of life for too "
                "long; perhaps it was suspended. Nothing is lost: leave the work to that one, or run the same command "
                "again once it has ended."
            )

    def end(self) -> None:
        """Give no more signs of life."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def remove(self) -> None:
        """Remove our claim, and first those of the dead before us: until ours goes, the folder is held."""
        for generation in generations(self.folder):
            if generation < self.owner.generation:
                claim_path(self.folder, generation).unlink(missing_ok=True)
        mine = read_owner(self.folder, self.owner.generation)
        if mine is not None and mine.token == self.owner.token:
            self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Place:
        return claim_path(self.folder, self.owner.generation)


def _written(folder: Place, owner: Owner) -> bool:
    for left in range(_TRIES, 0, -1):
        try:
            return write_new(claim_path(folder, owner.generation), owner.text())
        except WritingError:
            if left == 1:
                raise
    return False
