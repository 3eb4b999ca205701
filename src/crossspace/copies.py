"""Files of stores on this machine, for libraries that want a local one: fetched once, kept while there is room."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import filelock

from crossspace.cache_folder import local_folder
from crossspace.errors import CrossspaceError, DataError, UsageError, WritingError
from crossspace.runtime import replacing
from crossspace.stores import Place
from crossspace.stores.faults import asking, is_passing
from crossspace.stores.options import TRIES

if TYPE_CHECKING:
    from crossspace.stores.address import Address

ROOM = "CROSSSPACE_COPIES"
"""How much of the disk copies may take, such as ``20 GB``; an environment variable."""
_USUAL = "10 GB"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_LONGEST = 100
_AGE = 3600.0
"""Seconds after which a lock that nobody holds, and what is half fetched, is removed."""


def room() -> int:
    """Bytes that copies may take.

    Raises:
        UsageError: what the environment says is no size.
    """
    text = os.environ.get(ROOM) or _USUAL
    size = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT]?)B?\s*", text, re.IGNORECASE)
    if size is None:
        raise UsageError(f"{ROOM} should be a size, such as '20 GB'. Found {text!r}.")
    return int(float(size[1]) * _UNITS[size[2].upper()])


@contextmanager
def at_hand(place: Place) -> Iterator[Path]:
    """A file of this machine with the content of ``place``: itself, or a copy that stays while the block runs.

    Copies are named after the address and the version of the content, so that processes share them and none is stale.
    The least recently used go where they take more than :func:`room`, but none that somebody uses.

    Raises:
        DataError: there is no such file, or it cannot be fetched.
        WritingError: there is no space for it.
    """
    if isinstance(place, Path):
        yield place
        return
    with ExitStack() as stack:
        path = stack.enter_context(_copy(place))
        with spoken_of(path, place):
            yield path


@contextmanager
def all_at_hand(*places: Place) -> Iterator[list[Path]]:
    """The same of several files at once."""
    with ExitStack() as stack:
        yield [stack.enter_context(at_hand(place)) for place in places]


@contextmanager
def spoken_of(path: Path, place: object) -> Iterator[None]:
    """In the block, errors of ours speak of the place instead of its copy."""
    try:
        yield
    except CrossspaceError as error:
        if str(path) not in str(error):
            raise
        raise type(error)(str(error).replace(str(path), str(place))) from error


@contextmanager
def _copy(address: Address) -> Iterator[Path]:
    folder = local_folder() / "media"
    for _ in range(TRIES):
        version = _version(address)
        path = folder / _key(address, version) / _name(address.name)
        with ExitStack() as stack:
            # One process fetches it, the others wait: a recording may be large.
            with _lock(path.parent.with_suffix(".lock")):
                file, fetched = _held(path), False
                if file is None:
                    _fetch(address, path, int(version["size"]))
                    file, fetched = _held(path), True
            if file is not None:
                stack.enter_context(file)
            # What was replaced while it was fetched may be half old and half new.
            if file is not None and not (fetched and _version(address) != version):
                with suppress(OSError):
                    os.utime(path)
                yield path
                return
        _remove(path)
    raise DataError(f"{address} cannot be read: it changes all the time. Run the same command again once it is whole.")


def _version(address: Address) -> dict[str, str]:
    """What tells this content of an address from an earlier one."""
    info = address.info_now()
    if info is None or info["type"] != "file":
        found = "nothing" if info is None else "a folder"
        raise DataError(f"{address} should be a file. Found {found}. Check the address.")
    names = ("ETag", "etag", "md5Hash", "generation", "LastModified", "mtime", "modified", "created", "updated")
    # The first that the store knows: the others may change with the machine that answers.
    known = next(((name, str(info[name])) for name in names if info.get(name)), ("", ""))
    return {"size": str(info["size"]), known[0]: known[1]}


def _key(address: Address, version: dict[str, str]) -> str:
    return hashlib.sha256(repr((str(address), sorted(version.items()))).encode()).hexdigest()[:32]


def _name(name: str) -> str:
    """The name of the copy: notes call a recording by it, and its ending may say what it is."""
    safe = re.sub(r"[^\w. ()+,=@~-]", "_", name).lstrip(".") or "file"
    stem, dot, ending = safe.rpartition(".")
    while len(safe.encode()) > _LONGEST:
        stem = (stem or safe)[:-1]
        safe = f"{stem}{dot}{ending[:16]}"
    return safe


def _fetch(address: Address, path: Path, size: int) -> None:
    make_room(size)
    for left in range(TRIES - 1, -1, -1):
        try:
            with replacing(path) as temporary, asking(address):
                address.fs.get_file(address.path, str(temporary))
                if temporary.stat().st_size != size:
                    raise ConnectionError(f"{temporary.stat().st_size} of {size} bytes came")
            return
        except FileNotFoundError as error:
            raise DataError(f"{address} should be a file. Found nothing. Check the address.") from error
        except WritingError as error:
            raise WritingError(f"{error} It was to be a copy of {address}; {ROOM} says what copies take.") from error
        except DataError as error:
            if not left or not is_passing(error):
                raise
            time.sleep(0.2 * 2 ** (TRIES - 1 - left))


def make_room(wanted: int = 0) -> None:
    """Remove copies that nobody uses, the least recently used first, until ``wanted`` bytes more are allowed."""
    folder = local_folder() / "media"
    known = []
    for path in folder.glob("*/*"):
        with suppress(OSError):  # another process is at it too
            status = path.stat()
            # What is being fetched is hidden; what a killed process left of that grows no more.
            if not path.name.startswith(".") or time.time() - status.st_mtime > _AGE:
                known.append((status.st_mtime, status.st_size, path))
    taken = sum(size for _, size, _ in known)
    for _, size, path in sorted(known, key=lambda one: one[0]):
        if taken + wanted <= room():
            break
        if _remove(path):
            taken -= size
    for lock in folder.glob("*.lock"):
        with suppress(OSError, filelock.Timeout):
            if time.time() - lock.stat().st_mtime > _AGE:
                with filelock.FileLock(lock, timeout=0):
                    lock.unlink(missing_ok=True)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path):
            yield
    except OSError as error:
        raise WritingError(
            f"{path.parent} cannot be written: {error.strerror or error}. Copies of what stands on stores are kept "
            "there; name another folder by CROSSSPACE_CACHE."
        ) from error


def _held(path: Path) -> IO[Any] | None:
    """The file, open and marked as used; ``None`` where another process has just removed it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    if _mark(file, shared=True) and path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
        return file
    file.close()
    return None


def _remove(path: Path) -> bool:
    """Remove a copy unless somebody uses it; whether it is gone."""
    try:
        with path.open("rb") as file:
            if not _mark(file, shared=False):
                return False
            path.unlink()
        path.parent.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return not path.exists()
    return True


def _mark(file: IO[Any], shared: bool) -> bool:
    """Mark a file as used, or find that nobody uses it; the mark goes with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # Windows, which removes no file that is open
        return True
    try:
        fcntl.flock(file.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
