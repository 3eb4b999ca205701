"""An address with the interface of a path; imported where there is one, since it needs the extra ``stores``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import IO, Any

import fsspec
from upath import UPath
from upath.extensions import ProxyUPath
from upath.types import StatResultType

from crossspace.errors import UsageError
from crossspace.stores.faults import asking
from crossspace.stores.options import TRIES, options_for
from crossspace.stores.places import check_name
from crossspace.stores.ranges import RangeFile


class Address(ProxyUPath):
    """A file or folder on a store.

    What the store refuses is an error of ours, never "there is no such file". It is read by requests for what is
    needed, and written through :func:`crossspace.runtime.replacing` and its like, never bit by bit.
    """

    __slots__ = ()

    @classmethod
    def of(cls, scheme: str, rest: str) -> Address:
        """The address ``scheme://rest``."""
        return cls._from_upath(UPath(f"{scheme}://{rest}", **options_for(scheme)))

    def __reduce__(self) -> tuple[Any, ...]:
        # As text: the options are those of the process and the time in which it is read.
        return Address.of, (self.protocol, str(self).partition("://")[2])

    @property
    def fs(self) -> fsspec.AbstractFileSystem:
        """The file system; one per process and thread, as fsspec keeps them."""
        with asking(self):
            system = fsspec.filesystem(self.protocol, **self.storage_options)
        if hasattr(system, "retries"):
            system.retries = TRIES
        return system

    def __truediv__(self, name: str) -> Address:  # type: ignore[override]
        check_name(f"{self}/{name}", str(name))
        return super().__truediv__(str(name).strip("/"))

    def joinpath(self, *names: Any) -> Address:
        """The address of something below."""
        below = self
        for name in names:
            below = below / str(name)
        return below

    def with_name(self, name: str) -> Address:
        """The address of something beside."""
        return self.parent / name

    def absolute(self) -> Address:
        """It is."""
        return self

    def resolve(self, strict: bool = False) -> Address:
        """It is."""
        return self

    def info_now(self) -> dict[str, Any] | None:
        """What the store says of it now; ``None`` where there is nothing."""
        with asking(self):
            try:
                return dict(self.fs.info(self.path))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def size(self) -> int:
        """Bytes of the file.

        Raises:
            FileNotFoundError: there is none.
            IsADirectoryError: it is a folder.
        """
        info = self.info_now()
        if info is not None and info["type"] == "directory":
            raise IsADirectoryError(f"{self} is a folder")
        if info is None or info["type"] != "file":
            raise FileNotFoundError(f"there is no file {self}")
        return int(info["size"])

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file, or anything below."""
        return self.info_now() is not None

    def is_file(self) -> bool:
        """Whether there is a file."""
        return (self.info_now() or {}).get("type") == "file"

    def is_dir(self) -> bool:
        """Whether there is anything below."""
        return (self.info_now() or {}).get("type") == "directory"

    def is_symlink(self) -> bool:
        """Stores have none."""
        return False

    def iterdir(self) -> Iterator[Address]:
        """What stands directly below, in the order of the names."""
        with asking(self):
            listed = self.fs.ls(self.path, detail=False)
        own = self.path.rstrip("/")
        names = {name.rstrip("/").rpartition("/")[2] for name in listed if name.rstrip("/") != own}
        if not names and self.is_file():
            raise NotADirectoryError(f"{self} is a file")
        yield from (self / name for name in sorted(names))

    def glob(self, pattern: str, **options: Any) -> Iterator[Address]:
        """What stands below and has such a name; ``*`` and ``?`` within one name."""
        # Not by fsspec, which would take a bracket in the address for part of the pattern.
        first, slash, rest = pattern.partition("/")
        for one in self.iterdir():
            if fnmatchcase(one.name, first):
                if not slash:
                    yield one
                elif one.is_dir():
                    yield from one.glob(rest)

    def below(self) -> list[Address]:
        """All files below, at any depth, in the order of their names; a request for every thousand."""
        with asking(self):
            found = self.fs.find(self.path)
        own = self.path.rstrip("/") + "/"
        return [self / name.removeprefix(own) for name in sorted(found) if name.startswith(own) and name != own]

    def rglob(self, pattern: str, **options: Any) -> Iterator[Address]:
        """The files below, at any depth, whose names are such."""
        yield from (one for one in self.below() if fnmatchcase(one.name, pattern))

    def way_from(self, folder: object) -> PurePosixPath:
        """The names from a folder to here.

        Raises:
            ValueError: it does not stand below that folder.
        """
        base = str(folder).rstrip("/") + "/"
        if not str(self).startswith(base):
            raise ValueError(f"{self} does not stand below {folder}")
        return PurePosixPath(str(self)[len(base) :])

    def stat(self, *, follow_symlinks: bool = True) -> StatResultType:
        """Size and time of the file.

        Raises:
            FileNotFoundError: there is none.
        """
        with asking(self):
            return super().stat()

    def open(self, mode: str = "r", buffering: int = -1, **options: Any) -> IO[Any]:  # type: ignore[override]
        """Open for reading.

        Raises:
            UsageError: it is to be written.
        """
        if set(mode) - set("rtb"):
            raise UsageError(
                f"{self} should be written whole, by crossspace.runtime.replacing. Found the mode {mode!r}."
            )
        raw = RangeFile(self)
        buffered: Any = raw if buffering == 0 else io.BufferedReader(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, **options)

    def read_bytes(self) -> bytes:
        """The whole content."""
        with asking(self):
            return bytes(self.fs.cat_file(self.path))

    def read_text(self, encoding: str | None = "utf-8", errors: str | None = None, newline: str | None = None) -> str:
        """The whole content as text."""
        return io.TextIOWrapper(io.BytesIO(self.read_bytes()), encoding, errors, newline).read()

    def write_bytes(self, data: bytes) -> int:
        """Put a content there, whole or not at all."""
        from crossspace.stores.putting import put_bytes

        put_bytes(self, data)
        return len(data)

    def write_text(
        self, data: str, encoding: str | None = "utf-8", errors: str | None = None, newline: str | None = None
    ) -> int:
        """Put a text there, whole or not at all."""
        return self.write_bytes(data.encode(encoding or "utf-8", errors or "strict"))

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a store has no empty folders, and buckets are not made here."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        gone = False
        with asking(self, writing=True):
            try:
                self.fs.rm_file(self.path)
            except FileNotFoundError:
                gone = True
        if gone and not missing_ok:
            raise FileNotFoundError(f"there is no file {self}")

    def rmdir(self, recursive: bool = False) -> None:
        """Nothing: a folder goes with the last file in it."""

    def rename(self, target: Any, **options: Any) -> Address:
        """Not offered: a store copies and removes, and a reader sees both or neither."""
        raise UsageError(f"{self} cannot be renamed: stores have no such step. Write {target} and remove the other.")

    replace = rename
