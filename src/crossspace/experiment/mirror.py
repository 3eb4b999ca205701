"""A run folder on a store: the run works in a folder of this machine, and what is durable is mirrored."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from crossspace.cache_folder import scratch_folder
from crossspace.copies import spoken_of
from crossspace.digests import SUMS
from crossspace.engine.beating import Claim, TakenOverError
from crossspace.engine.claim import HOLDER, LOCK, claimed
from crossspace.engine.owner import is_claim_file
from crossspace.errors import CrossspaceError, CrossspaceWarning, DataError, UsageError, WritingError
from crossspace.experiment.folder import CONFIG, REPORT, RESULTS, SEED_RESULT
from crossspace.models.saved import CONFIG as MODEL_CONFIG
from crossspace.models.saved import WEIGHTS
from crossspace.runtime import write_text
from crossspace.stores import faults
from crossspace.stores.address import Address
from crossspace.stores.putting import put_file
from crossspace.training.checkpoint import CHECKPOINT

BEAT = 15.0
"""Seconds between two looks at what is new."""
WRITER = ".writer"
"""Names who wrote the folder last: a scratch folder of the same name is then as far as the store, or further."""
_FIRST = CONFIG
"""What makes a folder a run: with nothing beside it, a resumed run begins anew."""
_ORDER = (WEIGHTS, MODEL_CONFIG, CHECKPOINT, SUMS, SEED_RESULT, RESULTS, REPORT)
"""What rests on others comes after them; all else comes before."""
_OURS = (LOCK, HOLDER)


class Mirror:
    """Brings what is new in a folder to a store, again and again.

    Args:
        folder: of this machine.
        address: of the folder on the store.
        claim: of the latter.
    """

    def __init__(self, folder: Path, address: Address, claim: Claim) -> None:
        self.folder, self.address, self.claim = folder, address, claim
        self._sent: dict[str, tuple[int, int, int]] = {}
        self._stop = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="mirror")

    def begin(self) -> None:
        """Go on in the background."""
        self._thread.start()

    def check(self) -> None:
        """Raise :class:`~crossspace.engine.beating.TakenOverError` where another process has taken the folder over."""
        self.claim.check()

    def end(self) -> None:
        """Bring the rest.

        Raises:
            TakenOverError: another process has taken the folder over.
            WritingError: the store does not take it; it stays on this machine.
        """
        self._stop.set()
        self._thread.join()
        try:
            self.claim.beat()  # which looks whether it is still ours
            self.check()
            self.send()
        except (DataError, WritingError) as error:
            raise WritingError(
                f"{error} The run stands in {self.folder} until then; the same command with --resume brings it there."
            ) from error

    def send(self) -> None:
        """Bring what is new, whole files only, what rests on others after them; remove what is gone."""
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=".sending-") as held:
            now = self._held(Path(held))
            for name in sorted(now, key=_rank):
                file, mark = now[name]
                if self._sent.get(name) != mark:
                    put_file(self.address.joinpath(*name.split("/")), file)
                    self._sent[name] = mark
            for name in [name for name in self._sent if name not in now]:
                self.address.joinpath(*name.split("/")).unlink(missing_ok=True)
                del self._sent[name]

    def know(self) -> None:
        """Take what is in the folder for what is on the store."""
        self._sent = {name: _mark(self.folder / name) for name in _names(self.folder)}

    def _held(self, held: Path) -> dict[str, tuple[Path, tuple[int, int, int]]]:
        """The files as they are now, under names that a training does not replace.

        What rests on others is held first: the others are then what it rests on, or newer, as after a kill.
        """
        found = {}
        for number, name in enumerate(sorted(_names(self.folder), key=_rank, reverse=True)):
            target = held / str(number)
            with suppress(FileNotFoundError):  # replaced or removed in between
                mark = _mark(self.folder / name)
                try:
                    os.link(self.folder / name, target)
                except FileNotFoundError:
                    raise
                except OSError:  # a file system without links
                    shutil.copy2(self.folder / name, target)
                found[name] = (target, mark)
        return found

    def _work(self) -> None:
        while not self._stop.wait(BEAT):
            try:
                self.check()
                self.send()
            except TakenOverError:
                return  # whoever trains asks too
            except (CrossspaceError, OSError) as error:
                # The training goes on without: the next turn, or the last one, brings it all.
                if not self._told:
                    self._told = True
                    warnings.warn(
                        f"{error} The run goes on and is brought there later.", CrossspaceWarning, stacklevel=2
                    )


@contextmanager
def mirrored(address: Address, resume: bool) -> Iterator[Mirror]:
    """A run folder of this machine that is mirrored to ``address`` while the block runs.

    The address is claimed meanwhile. To go on, what is there is fetched first, unless the folder of this machine is
    where the run was last worked on, and is therefore as far or further.

    Args:
        address: of the run folder.
        resume: there may be a run already.

    Raises:
        UsageError: another process works there, or it holds something and is not to be resumed.
        WritingError: the store does not take the run.
    """
    key = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    home = scratch_folder() / key
    with _locked(home, address):
        if not resume:
            _check_emptiness(address)
        with claimed(address) as claim:
            if not resume:  # another may have come and gone while this one waited
                _check_emptiness(address)
            # The name is that of the run, which messages and reports repeat.
            folder = home / (address.name or "run")
            mirror = Mirror(folder, address, claim)
            _prepare(mirror, resume)
            mirror.begin()
            try:
                with spoken_of(folder, address):
                    yield mirror
            finally:
                mirror.end()
        shutil.rmtree(folder, ignore_errors=True)  # all of it is there


@contextmanager
def _locked(home: Path, address: Address) -> Iterator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(home / LOCK)
        lock.acquire(timeout=0.5)
    except filelock.Timeout as error:
        raise UsageError(f"{address} is in use by another process here. Wait until that one ends.") from error
    except OSError as error:
        raise WritingError(
            f"{home} cannot be written: {error.strerror or error}. A run on a store is worked on there; name another "
            "folder by CROSSSPACE_CACHE."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _check_emptiness(address: Address) -> None:
    found = [str(one.way_from(address)) for one in address.below()]
    if CONFIG in found:
        raise UsageError(f"{address} already holds a run. Choose another folder, or go on with this one by --resume.")
    if any(not is_claim_file(name) and name != WRITER for name in found):
        raise UsageError(f"{address} should be a new or empty folder. It holds other files; name another.")


def _prepare(mirror: Mirror, resume: bool) -> None:
    """Make the folder of this machine what is on the store, or leave it where it is further."""
    folder, address = mirror.folder, mirror.address
    last = address / WRITER
    known = folder.parent / WRITER  # not in the folder, which a new run wants to be empty
    theirs = last.read_text() if last.exists() else ""
    ours = known.read_text(encoding="utf-8").split() if known.is_file() else []
    if not (resume and folder.is_dir() and theirs in ours):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _fetch(address, folder)
        mirror.know()
    # Both here until it stands there: a kill in between leaves this folder known as the last one.
    write_text(known, f"{theirs}\n{mirror.claim.owner.token}\n")
    write_text(last, mirror.claim.owner.token)
    write_text(known, f"{mirror.claim.owner.token}\n")


def _fetch(address: Address, folder: Path) -> None:
    for one in address.below():
        name = one.way_from(address)
        if name.parts[0] == WRITER or is_claim_file(name.name):
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with faults.asking(one):
            one.fs.get_file(one.path, str(target))
        if target.stat().st_size != one.size():
            raise DataError(f"{one} cannot be read: not all of it came. Run the same command again.")


def _names(folder: Path) -> list[str]:
    """The files of a run, but what claims, locks and writing leave."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in _OURS
        and not is_claim_file(path.name)
        and path.suffix not in (".partial", ".lock")
    ]


def _rank(name: str) -> int:
    last = name.rpartition("/")[2]
    if name == _FIRST:
        return -1
    return _ORDER.index(last) + 1 if last in _ORDER else 0


def _mark(path: Path) -> tuple[int, int, int]:
    """What changes with the content: files are replaced, and history grows."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
