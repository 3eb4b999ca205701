"""A folder on a store belongs to one process at a time, though stores know no locks and clocks of machines differ."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import uuid
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from crossspace.errors import CrossspaceWarning, DataError, UsageError
from crossspace.runtime import write_new, write_text
from crossspace.stores.address import Address

CLAIMS = ".claims"
BEAT = 15.0
"""Seconds between two signs of life."""
PATIENCE = 60.0
"""Seconds without one, by the clock of who waits, after which the holder counts as dead."""
_LOOKS = 4


class StoreClaim:
    """A claim on a folder of a store: a file that was written where there was none.

    Claims are numbered. The one with the highest number holds; who takes over from the dead writes the next number,
    where again there may be none, so that of several one succeeds. The holder counts up in its claim as long as it
    lives, and finds out there that it was taken for dead.

    Args:
        address: of the folder.
        lock: a file of this machine that the holder keeps locked; who holds it knows that an earlier one is dead.
    """

    def __init__(self, address: Address, lock: Path) -> None:
        self.address, self.number = address, 0
        self.token = uuid.uuid4().hex
        self._beats = 0
        self._machine = _machine(lock)

    def take(self) -> None:
        """Claim the folder.

        Raises:
            UsageError: another process lives there; the message says which.
        """
        number = self._highest()
        if number is not None:
            self._await_death(number)
        self.number = 0 if number is None else number + 1
        if not write_new(self._file(self.number), self._text()):
            raise UsageError(f"{self.address} was claimed by another process this very moment. Choose another folder.")

    def beat(self) -> None:
        """Give a sign of life.

        Raises:
            UsageError: another process has taken the folder over.
        """
        if (self._highest() or 0) > self.number:
            raise UsageError(
                f"{self.address} was taken over by another process, since this one gave no sign of life for a while. "
                "Nothing more is written there."
            )
        self._beats += 1
        write_text(self._file(self.number), self._text())

    def release(self) -> None:
        """Let go of the folder, and of what the dead left there."""
        # The own claim last: its number must not be free while there are lower ones.
        for number in range(self.number + 1):
            self._file(number).unlink(missing_ok=True)

    def _await_death(self, number: int) -> None:
        """Return when the holder is dead, raise when it lives."""
        holder = self._holder(number)
        if holder is None or holder.get("machine") == self._machine:  # gone, or we hold the lock that it held
            return
        who = f"process {holder.get('process')} on {holder.get('host')} ({holder.get('command')})"
        warnings.warn(
            f"{self.address} is claimed by {who}. Whether it lives is known in {PATIENCE:.0f} seconds.",
            CrossspaceWarning,
            stacklevel=5,
        )
        for _ in range(_LOOKS):
            time.sleep(PATIENCE / _LOOKS)
            now = self._holder(number)
            if now is None and self._highest() is None:
                return
            if now != holder or self._highest() != number:
                raise UsageError(
                    f"{self.address} is in use by {who}. Wait until that one ends, or end it, and run the same command "
                    "again; or choose another folder."
                )

    def _highest(self) -> int | None:
        names = [one.name for one in (self.address / CLAIMS).below()]
        return max((int(name) for name in names if name.isdecimal() and len(name) < 10), default=None)

    def _holder(self, number: int) -> dict[str, Any] | None:
        try:
            with suppress(ValueError):
                content = json.loads(self._file(number).read_bytes())
                return content if isinstance(content, dict) else {}
        except FileNotFoundError:
            return None
        raise DataError(f"{self._file(number)} should be a claim. Found something else. Remove it.")

    def _file(self, number: int) -> Address:
        return self.address / CLAIMS / str(number)

    def _text(self) -> str:
        return json.dumps(
            {
                "token": self.token,
                "beats": self._beats,
                "process": os.getpid(),
                "host": socket.gethostname(),
                "machine": self._machine,
                "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
            }
        )


def _machine(lock: Path) -> str:
    """What tells a lock of this machine from those of all others."""
    status = lock.stat()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = f"{socket.gethostname()} {uuid.getnode()}"
    return f"{boot} {status.st_dev} {status.st_ino}"
