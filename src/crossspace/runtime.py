"""What the software stands on: versions, optional libraries, random state, files written whole or not at all."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import platform
import random
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace import __version__
from crossspace.errors import UsageError, WritingError
from crossspace.extras import optional_import as optional_import
from crossspace.stores import Where, place

if TYPE_CHECKING:
    from crossspace.stores.address import Address

_REPORTED = ("crossspace", "torch", "lightning-fabric", "numpy", "scipy", "scikit-learn", "pyarrow", "safetensors")
MOST_SEEDS = 10_000


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that influence results."""
    installed = {"python": platform.python_version()}
    for name in _REPORTED:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed[name] = __version__ if name == "crossspace" else "not installed"
    return installed


def processors() -> int:
    """Processors that this process may use."""
    # A container or scheduler may allow fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def total_memory() -> int | None:
    """Bytes of memory of this machine, or None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def checked_seeds(seeds: Sequence[int]) -> list[int]:
    """The seeds of several trainings.

    Raises:
        UsageError: there is none or there are too many, one is no whole number of 32 bits, or one stands twice.
    """
    if not 1 <= len(seeds) <= MOST_SEEDS:
        raise UsageError(f"`--seeds` should be 1 to {MOST_SEEDS:,} trainings. Found {len(seeds):,}.")
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise UsageError(f"Seeds should be whole numbers from 0 to 2^32 - 1. Found {seed!r}.")
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"Each seed should stand once. Found {max(seeds, key=list(seeds).count)} more than once.")
    return list(seeds)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (all devices)."""
    import numpy as np
    import torch

    random.seed(seed)
    # NumPy takes 32 bits; derived seeds have more.
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextmanager
def replacing(path: Where) -> Iterator[Path]:
    """A temporary path that takes the place of ``path`` only when the block ends without an error.

    A reader, or a run resumed after a crash, therefore finds the old file or the new one, never a half. The data
    reach the disk before the name changes; on a store the file appears when all of it is there.

    Raises:
        WritingError: the file could not be written (no space, no permission, no answer); ``path`` is as it was.
    """
    path = place(path)
    with _beside(path) if isinstance(path, Path) else _sent(path) as temporary:
        yield temporary


@contextmanager
def _sent(address: Address) -> Iterator[Path]:
    """A temporary file of this machine that is sent to a store."""
    from crossspace.stores.putting import put_file

    try:
        handle, name = tempfile.mkstemp(prefix="crossspace-", suffix=".partial")
        os.close(handle)
    except OSError as error:
        raise not_written(tempfile.gettempdir(), error.strerror or str(error)) from error
    temporary = Path(name)
    try:
        yield temporary
        put_file(address, temporary)
    except OSError as error:
        raise not_written(temporary, f"{error.strerror or error}; it was meant for {address}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A temporary file of the same folder."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, since a name can change only within one file system.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        # Libraries open the path themselves; Windows lets nobody rename a file that is open.
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with open(temporary, "rb+") as file:
            # Without it a power failure may keep the new name and lose the content.
            os.fsync(file.fileno())
        # mkstemp makes files for this user alone; others may read this one as any other file.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise not_written(path, error.strerror or str(error)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def not_written(path: Where, reason: str) -> WritingError:
    """The refusal for a file that could not be written."""
    return WritingError(
        f"Could not write {path}: {reason}. What was saved before is unharmed. Free some space or choose a folder you "
        "may write to, then run the same command again (train: with --resume)."
    )


def _umask() -> int:
    # It can be read in no other way than by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_new(path: Where, text: str) -> bool:
    """Write ``text`` to ``path`` as UTF-8 unless there is such a file; whether it was written.

    Of several processes that do so at once one writes, and all find the same file afterwards. Their texts should
    differ: a store whose answer was lost is asked again, and what stands there then decides.

    Raises:
        WritingError: a store does not let us, or has no such step.
    """
    path = place(path)
    if not isinstance(path, Path):
        from crossspace.stores.putting import put_new

        return put_new(path, text.encode("utf-8"))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
    try:
        write_text(temporary, text)
        os.link(temporary, path)  # unlike a renaming, it replaces nothing
        return True
    except FileExistsError:
        return False
    except OSError:  # a file system without links: others may see it half written for a moment
        with suppress(FileExistsError), open(path, "x", encoding="utf-8") as file:
            file.write(text)
            return True
        return False
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Where, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Where, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def end_with_parent() -> None:
    """From now on this process ends when the one that started it has ended, however that one did.

    For processes started by :mod:`multiprocessing`; elsewhere nothing happens. What is under way is left as a kill
    would leave it, which everything written here survives.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        # Without cleaning up, which could wait for a process that is gone.
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="end-with-parent").start()
