"""What a user wrote as the name of a file: a path on this machine, or the address of a store."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from crossspace.errors import UsageError, suggestion
from crossspace.extras import optional_import

if TYPE_CHECKING:
    from crossspace.stores.address import Address

Place: TypeAlias = "Path | Address"
"""Where a file or folder stands; both kinds have the interface of :mod:`pathlib`."""
Where: TypeAlias = "str | Path | Address"
"""A place, or the text of one."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # two letters at least: C:// is a drive
_FILE = "file"
SCHEMES = {
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "gcs": ("gcsfs", "gcs"),
    "az": ("adlfs", ""),
    "abfs": ("adlfs", ""),
    "hdfs": ("pyarrow", ""),
    "sftp": ("paramiko", ""),
    "memory": ("fsspec", "stores"),
}
"""``{scheme: (library, extra of crossspace that brings it)}``; an empty extra: the library is installed by its name."""


def is_address(where: object) -> bool:
    """Whether it names something on a store, and not on this machine."""
    if isinstance(where, str):
        scheme = _SCHEME.match(where)
        return scheme is not None and scheme[1].lower() != _FILE
    return where is not None and not isinstance(where, os.PathLike) and hasattr(where, "protocol")


def place(where: Where) -> Place:
    """The path or the address that is meant; ``file://`` is a path.

    Raises:
        UsageError: the address has a scheme that is not known, or is none that can be used.
        MissingExtraError: the library for the store is not installed.
    """
    if not isinstance(where, str):
        return where
    scheme = _SCHEME.match(where)
    if scheme is None:
        return Path(where)
    kind, rest = scheme[1].lower(), where[scheme.end() :]
    if kind == _FILE:
        return _local(where, rest)
    if kind not in SCHEMES:
        raise UsageError(
            f"{where} is an address of a kind that is not read or written here: {kind}://. "
            f"{suggestion(kind, [_FILE, *SCHEMES])} Download it first, or name it there."
        )
    check_name(where, rest)
    resolved = _resolved(where, kind, rest)
    library, extra = SCHEMES[kind]
    optional_import("upath", extra or "stores")
    if extra:
        optional_import(library, extra)
    from crossspace.stores.address import Address

    return Address.of(kind, resolved)


def beside(folder: Place, name: str) -> Place:
    """What a file in ``folder`` means by ``name``: an address, a path from the root, or one from that folder.

    Raises:
        UsageError: as of :func:`place`.
    """
    if _SCHEME.match(name):
        return place(name)
    # From the root of this machine, wherever the folder stands: a store has no root of its own.
    return Path(name) if is_address(folder) and Path(name).is_absolute() else in_folder(folder, name)


def in_folder(folder: Place, name: str) -> Place:
    """``folder / name``, with ``..`` in the name taken away where a store would take it for a name."""
    return place(f"{str(folder).rstrip('/')}/{name}") if is_address(folder) else folder / name


def check_name(address: str, name: str) -> None:
    """Raise :class:`UsageError` where a part of an address would mean something else to a library below."""
    if "::" in name:  # chains one store to another, perhaps to the disk of this machine
        raise UsageError(f"{address!r} should be one address. Found '::' in it, which joins two; name it otherwise.")
    if "?versionId=" in name:  # one of the versions of an object, of which S3 tells in this way
        raise UsageError(f"{address!r} should name what is there now. Found '?versionId=' in it; leave it away.")
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        raise UsageError(f"{address!r} should be an address. Found a control character in it; name it otherwise.")


def _local(address: str, rest: str) -> Path:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise UsageError(f"{address} should name a file of this machine: file:///folder/name. Found the host {host!r}.")
    return Path("/" + unquote(path))


def _resolved(address: str, kind: str, rest: str) -> str:
    """The part behind the scheme, without ``.`` and ``..``, which a store would take for names."""
    bucket, _, path = rest.partition("/")
    if kind == "memory" and not bucket:  # memory:///a is memory://a
        bucket, _, path = path.partition("/")
    if not bucket or bucket in (".", ".."):
        raise UsageError(f"{address} should name a place on a store: {kind}://bucket/folder/name. Found no bucket.")
    if "@" in bucket and ":" in bucket.rpartition("@")[0]:
        raise UsageError(
            f"An address of {kind}:// should hold no password: it would stand in messages and files. Set it where the "
            "store's own tools look for it, such as the environment."
        )
    parts: list[str] = []
    for part in path.rstrip("/").split("/"):
        if part == "..":
            if not parts:
                raise UsageError(f"{address} leads out of {kind}://{bucket}. Name a place in it.")
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join([bucket, *parts]).rstrip("/")
