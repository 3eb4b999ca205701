"""What is left of a Ray cluster that was begun here goes too, also when the program that began it was killed."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

_MARK = "CROSSSPACE_RAY_CLUSTER"
# Two of Ray's processes outlive a killed program by more than a minute, in which they look for a cluster that is gone.
# They rename themselves, so that only their environment tells whose they are.
_CLEAR = """
cat
for process in /proc/[0-9]*; do
    grep -qs "$1" "$process/environ" && kill -9 "${process#/proc/}"
done
rm -rf "$2"
"""


@contextmanager
def marked() -> Iterator[str]:
    """Processes that are started inside carry a mark in their environment; it is given."""
    mark = uuid.uuid4().hex
    os.environ[_MARK] = mark
    try:
        yield mark
    finally:
        del os.environ[_MARK]


@contextmanager
def cleared(mark: str, folder: str) -> Iterator[None]:
    """After the block, or the death of this program, no process with ``mark`` and no ``folder`` is left.

    Where processes do not show their environment as on Linux, only the folder goes.
    """
    # It hears of the end by a line that nobody else holds, and of Ctrl-C nothing. It says nothing either: who killed
    # the program may have closed the terminal, and a word to that would end it.
    watch = subprocess.Popen(
        ["/bin/sh", "-c", _CLEAR, "sh", mark, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watch.communicate()
