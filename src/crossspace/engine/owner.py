"""Who holds a folder, as the newest claim file in it says."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import sys
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from crossspace.stores import Place

HOLDER = ".holder.json"
"""What earlier releases wrote beside their lock."""
_NAME = re.compile(r"\.claim-(\d{6})")
_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/\s]*(?=@)|([?&]password=)[^&\s]*")


@dataclass(frozen=True)
class Owner:
    """One process that holds, or held, a folder.

    Attributes:
        generation: of its claim; whoever takes over from a dead owner has the next one.
        token: of this claim alone.
        host, process, command, since: for people.
        boot: of which machine, and since which start of it.
        beat: raised as long as the owner lives.
    """

    generation: int
    token: str
    host: str = ""
    boot: str = ""
    process: int = 0
    command: str = ""
    since: str = ""
    beat: int = 0

    @property
    def mark(self) -> str:
        """Changes with every sign of life."""
        return f"{self.token}:{self.beat}"

    @property
    def is_here(self) -> bool:
        """Whether it lives, or lived, on this machine as it runs now: its lock says at once which."""
        return self.boot == this_boot()

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is known to be of another machine."""
        return bool(self.boot) and not self.is_here

    @property
    def has_ended(self) -> bool:
        """Whether it was a process of this machine that is no more; of others this says nothing."""
        if not self.is_here or not self.process:
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:  # it is somebody else's
            return False
        return False

    def text(self) -> str:
        """The content of the claim file."""
        content = asdict(self)
        del content["generation"]  # it is in the name
        return json.dumps(content) + "\n"

    def __str__(self) -> str:
        if not self.host:
            return "another process"
        return f"process {self.process} on {self.host} ({self.command}, since {self.since})"


def this_process(generation: int) -> Owner:
    """A new owner: this process."""
    # A password in an address is nobody's business, whoever may read the folder.
    command = _PASSWORD.sub(r"\1\2***", " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Owner(generation, uuid.uuid4().hex, socket.gethostname(), this_boot(), os.getpid(), command[:200], since)


@lru_cache(maxsize=1)
def this_boot() -> str:
    """This machine since its last start."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # no Linux: a restarted machine seems the same, where its locks are free just as well
        return f"{socket.gethostname()}-{uuid.getnode():x}"


def claim_path(folder: Place, generation: int) -> Place:
    """Where the claim of a generation lies."""
    return folder / f".claim-{generation:06d}"


def is_claim_file(name: str) -> bool:
    """Whether a file of this name is a claim."""
    return _NAME.fullmatch(name) is not None


def generations(folder: Place) -> list[int]:
    """Of the claim files in a folder, in order."""
    try:
        # Listed each time: a network file system looks at a folder again when it is opened, and else remembers it.
        names = os.listdir(folder) if isinstance(folder, Path) else [inner.name for inner in folder.iterdir()]
    except OSError as error:
        _pass_if_nothing(error)
        return []
    return sorted(int(found[1]) for found in map(_NAME.fullmatch, names) if found)


def newest(folder: Place) -> Owner | None:
    """Who holds the folder, or held it last and died; None where nobody left a claim."""
    for generation in reversed(generations(folder)):
        owner = read_owner(folder, generation)
        if owner is not None:
            return owner
    return None


def read_owner(folder: Place, generation: int) -> Owner | None:
    """The owner of one generation; a nameless one where the file says nothing, None where there is no file."""
    try:
        text = claim_path(folder, generation).read_bytes()
    except OSError as error:
        _pass_if_nothing(error)
        return None
    try:
        content: dict[str, Any] = json.loads(text)
        return Owner(generation, **content)
    except (ValueError, TypeError):
        # Its content stands for it: one that is still being written changes, and is not dead.
        return Owner(generation, token=f"unreadable-{text.hex()[:200]}")


def _pass_if_nothing(error: OSError) -> None:
    """There is no such file or folder; what a network or a disk has else to say is no answer."""
    # Those of a store have no number.
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)) and error.errno != errno.ELOOP:
        raise error


def earlier_holder(folder: Place) -> str:
    """Who holds a folder by the word of an earlier release."""
    try:
        content = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f"process {content['process']} on {content['host']} ({content['command']}, since {content['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
