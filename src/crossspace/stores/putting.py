"""Writing to a store, whole or not at all."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossspace.stores.faults import asking, code_of
from crossspace.stores.options import TRIES, timeout

if TYPE_CHECKING:
    from crossspace.stores.address import Address

_WHOLE = ("s3", "gs", "gcs", "az", "abfs", "memory")
"""Stores in which a file is there when it is complete and not before."""
_ABSENT = ("s3", "gs", "gcs", "az", "abfs", "memory")
"""Stores that write a file only if there is none, as one step."""
_TAKEN = ("PreconditionFailed", "412")
_BUSY = ("ConditionalRequestConflict", "409", "OperationAborted")
_ROUNDS = 20
_SLOWEST = 100_000
"""Bytes per second; what is sent more slowly counts as lost."""


def put_file(address: Address, source: Path) -> None:
    """Make the content of a local file that of an address; what stood there before stays until it is complete.

    Raises:
        WritingError: the store does not let us, or nobody answers.
    """
    with asking(address, writing=True):
        if address.protocol == "memory":  # of which put_file shows a file while it is being filled
            address.fs.pipe_file(address.path, source.read_bytes())
        elif address.protocol in _WHOLE:
            _bounded(address, "put_file", source.stat().st_size, str(source), address.path)
        else:
            _renamed(address, lambda path: address.fs.put_file(str(source), path))


def put_bytes(address: Address, content: bytes) -> None:
    """The same of a content in memory."""
    with asking(address, writing=True):
        if address.protocol in _WHOLE:
            _bounded(address, "pipe_file", len(content), address.path, content)
        else:
            _renamed(address, lambda path: address.fs.pipe_file(path, content))


def put_new(address: Address, content: bytes) -> bool:
    """Write a content unless there is a file of this name; whether it is ours that stands there.

    Of several that write different contents at once one succeeds. Who writes the same content as another is told that
    it stands there: an answer that was lost is thereby no refusal.

    Raises:
        WritingError: the store does not let us, nobody answers, or it has no such step.
    """
    with asking(address, writing=True):
        if address.protocol not in _ABSENT:
            raise NotImplementedError(f"{address.protocol}:// cannot write a file only where there is none")
        for _ in range(_ROUNDS):
            try:
                _bounded(address, "pipe_file", len(content), address.path, content, mode="create")
                return True
            except FileExistsError:
                return _stands(address, content)
            except OSError as error:
                if code_of(error) in _TAKEN:
                    return _stands(address, content)
                if code_of(error) not in _BUSY:
                    raise
                time.sleep(0.1)  # another is just writing it
    return False


def _stands(address: Address, content: bytes) -> bool:
    with suppress(FileNotFoundError):  # removed in between
        return bool(bytes(address.fs.cat_file(address.path)) == content)
    return False


def _bounded(address: Address, name: str, size: int, *arguments: Any, **options: Any) -> None:
    """Do what writes, no longer than it may take.

    The libraries bound how long they wait for an answer, but not how long a server may take to accept what is sent.
    """
    from fsspec.asyn import AsyncFileSystem, sync

    system = address.fs
    if not isinstance(system, AsyncFileSystem):
        getattr(system, name)(*arguments, **options)
        return
    seconds = 2 * TRIES * timeout() + size / _SLOWEST
    work = partial(getattr(system, f"_{name}"), *arguments, **options)

    async def within() -> None:
        # Cancelled, where a time limit of the caller would let it go on and write later what is told to have failed.
        await asyncio.wait_for(work(), seconds)

    sync(system.loop, within)


def _renamed(address: Address, write: Callable[[str], None]) -> None:
    """Written under another name first; a reader finds the old content, the new, or for a moment none."""
    temporary = f"{address.path}.{uuid.uuid4().hex}.partial"
    try:
        address.fs.makedirs(address.path.rpartition("/")[0], exist_ok=True)
        write(temporary)
        address.fs.mv(temporary, address.path)
    finally:
        with suppress(Exception):
            address.fs.rm_file(temporary)
