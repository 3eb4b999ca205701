"""A folder belongs to one process at a time: refused while another lives, taken over when that one is dead.

On one machine a lock of the operating system says at once who lives. On many shared file systems locks are not seen by
other machines, or outlive one; there a claim file beside the lock decides, see :mod:`.beating` and :mod:`.watch`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import filelock

from crossspace.engine.beating import Claim
from crossspace.engine.lock import LOCK, acquire, identity, is_free
from crossspace.engine.owner import HOLDER, Owner, earlier_holder, is_claim_file, newest
from crossspace.engine.watch import PATIENCE, Watch, outwaited, pause
from crossspace.errors import CrossspaceError, CrossspaceWarning, UsageError
from crossspace.stores import Place, Where, place

_TURN = 0.5
"""Seconds between two looks at whether a folder is free."""
_TRIES = 1000
"""How often a folder may be gone again before it is claimed: others take and leave it meanwhile."""


class ClaimedError(UsageError):
    """Another process holds the folder."""


@contextmanager
def claimed(folder: Where, *, passing: bool = False, dead: Collection[str] | None = None) -> Iterator[Claim]:
    """Nobody else works in ``folder`` meanwhile.

    The claim ends with the process, however that ends. The folder is made if need be, and removed again when the block
    leaves nothing in it. What dead processes left half-written in it, at any depth, is removed first. Where the claim
    is of another machine, the folder is watched for up to a minute to see whether its owner lives.

    Args:
        folder: what is claimed.
        passing: the folder is there for the claim alone; it goes with it, also where a killed process left it.
        dead: do not watch; of owners on other machines those with these marks are dead, and the others live, see
            :meth:`~crossspace.engine.watch.Watch.dead_in`.

    Raises:
        ClaimedError: another process holds the folder; the message says which.
        CrossspaceError: the folder cannot be written.
    """
    folder = place(folder)
    with _held_here(folder, passing, dead) if isinstance(folder, Path) else _held_there(folder, dead) as claim:
        yield claim


@contextmanager
def _held_there(folder: Place, dead: Collection[str] | None) -> Iterator[Claim]:
    """A folder on a store, which knows no locks: its claim file alone decides."""
    for _ in range(_TRIES):
        owner = newest(folder)
        if owner is None or owner.has_ended or _is_dead(folder, owner, dead):
            claim = Claim.make(folder, owner)
            if claim is None:
                raise _refusal(folder)
            break
    else:
        raise CrossspaceError(f"{folder} cannot be claimed: others take and leave it all the time. Try again later.")
    try:
        claim.begin()
        yield claim
    finally:
        claim.end()
        with suppress(CrossspaceError, OSError):  # perhaps the store is gone: then this process will be seen to be, too
            claim.remove()


@contextmanager
def _held_here(folder: Path, passing: bool, dead: Collection[str] | None) -> Iterator[Claim]:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} should be a folder. Found a file; name another.")
    # Asked before the lock makes it: a folder that was there, even empty, is not ours to remove.
    created = not folder.exists()
    lock = filelock.FileLock(folder / LOCK)
    try:
        claim = _entered(folder, lock, dead)
    except OSError as error:
        raise CrossspaceError(f"{folder} cannot be claimed: {error}. Choose a folder you may write to.") from error
    try:
        _sweep(folder)
        claim.begin()
        yield claim
    finally:
        claim.end()
        try:
            if claim.is_lost:  # the folder, and the lock in it, are another's
                claim.remove()
            else:
                _leave(folder, lock, claim, passing, created)
        finally:
            lock.release()


def _leave(folder: Path, lock: filelock.BaseFileLock, claim: Claim, passing: bool, created: bool) -> None:
    if passing:
        _sweep(folder)
    (folder / LOCK).unlink(missing_ok=True)  # while it is held: a lock whose file has no name is nobody's
    # After the name of the lock: whoever finds no claim has locked a file that stays.
    claim.remove()
    lock.release()
    if created or passing:
        with suppress(OSError):  # there is something in it
            folder.rmdir()


def _entered(folder: Path, lock: filelock.BaseFileLock, dead: Collection[str] | None) -> Claim:
    """Take the lock and write the claim, as often as others who leave or look get in between."""
    for _ in range(_TRIES):
        unlocked = acquire(folder, lock)
        try:
            claim = _claim(folder, unlocked, dead)
        except BaseException:
            lock.release()
            raise
        if claim is not None:
            return claim
        lock.release()
    raise CrossspaceError(f"{folder} cannot be claimed: others take and leave it all the time. Try again later.")


def _claim(folder: Path, unlocked: bool | None, dead: Collection[str] | None) -> Claim | None:
    """The claim of a folder whose lock was found free or not; None where it has to be looked at again."""
    owner, file = newest(folder), identity(folder / LOCK)
    if unlocked is False and (owner is None or not owner.is_elsewhere):
        raise _refusal(folder)
    # The lock is ours and of this machine: so no owner on it lives.
    if owner is not None and not (unlocked and owner.is_here) and not _is_dead(folder, owner, dead):
        return None
    if unlocked is False:  # it has outlived its machine
        (folder / LOCK).unlink(missing_ok=True)
        return None
    claim = Claim.make(folder, owner)
    if claim is None:
        raise _refusal(folder)
    if identity(folder / LOCK) != file:  # whoever left took the name from the lock that is ours
        claim.remove()
        return None
    (folder / HOLDER).unlink(missing_ok=True)
    return claim


def _is_dead(folder: Place, owner: Owner, dead: Collection[str] | None) -> bool:
    """Whether an owner on another machine is dead; False where it has left meanwhile.

    Raises:
        ClaimedError: it lives.
    """
    if dead is not None:
        if owner.mark not in dead:
            raise _refusal(folder)
        return True
    warnings.warn(
        f"{folder} is held by {owner}. Watching for up to {PATIENCE:g} seconds whether it still lives.",
        CrossspaceWarning,
        stacklevel=2,
    )
    now = outwaited(folder, owner)
    if now is not None and now.mark != owner.mark:
        raise _refusal(folder)
    return now is not None


def _refusal(folder: Place) -> ClaimedError:
    owner = newest(folder)
    return ClaimedError(
        f"{folder} is in use by {earlier_holder(folder) if owner is None else owner}. Wait until that one ends, or end "
        "it, and run the same command again; or choose another folder."
    )


def _sweep(folder: Path) -> None:
    """Remove the halves of files that killed processes left, but for folders inside that others hold."""
    for inner, folders, files in os.walk(folder):
        # In place, as os.walk wants it to leave folders out.
        folders[:] = [name for name in folders if not is_claimed(Path(inner) / name)]
        for name in files:
            if name.startswith(".") and name.endswith(".partial"):
                (Path(inner) / name).unlink(missing_ok=True)


def is_claimed(folder: Where, dead: Collection[str] = ()) -> bool:
    """Whether another process holds ``folder`` at this moment, or looks whether one does.

    Args:
        folder: which.
        dead: marks of owners on other machines that are known to be dead; the others live.
    """
    folder = place(folder)
    if not isinstance(folder, Path):
        owner = newest(folder)
        return owner is not None and not owner.has_ended and owner.mark not in dead
    unlocked = not (folder / LOCK).exists() or is_free(folder)
    owner = newest(folder)
    if owner is None or (unlocked is False and not owner.is_elsewhere):
        return unlocked is False
    if unlocked and owner.is_here:
        return False
    return owner.mark not in dead


@contextmanager
def claimed_in_turn(folder: Where) -> Iterator[Claim]:
    """As :func:`claimed`, but where another process holds ``folder``, wait until it leaves or is dead."""
    folder, watch = place(folder), Watch()
    with ExitStack() as held:
        while True:
            try:
                claim = held.enter_context(claimed(folder, dead=watch.dead_in(folder)))
                break
            except ClaimedError:
                pause(_TURN)
        yield claim


def check_unclaimed(folder: Where) -> None:
    """Raise :class:`ClaimedError` when another process holds ``folder``; the message says which."""
    if is_claimed(folder):
        with claimed(folder):  # waits for somebody who only looks
            pass


def strangers(folder: Where) -> list[str]:
    """Names in ``folder`` that neither a claim nor an interrupted writing leaves there."""
    folder = place(folder)
    if not folder.exists():
        return []
    names = (p.name for p in folder.iterdir())
    return sorted(n for n in names if n not in (LOCK, HOLDER) and not is_claim_file(n) and not n.endswith(".partial"))
