"""What is left of a Ray cluster that was begun here goes too, also when the program that began it was killed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

# Two of Ray's processes outlive a killed program by more than a minute, in which they look for a cluster that is gone.
# They rename themselves and leave nothing of arguments and environment: they are known by the notes they keep open.
_CLEAR = """
cat
for process in /proc/[0-9]*; do
    read -r name <"$process/comm" || continue
    case $name in ray*|gcs_server|python*)
        ls -l "$process/fd" | grep -qF "/${1##*/}/" && kill -9 "${process#/proc/}"
    esac
done
sleep 1  # what ends may still be writing
rm -rf "$1"
"""


@contextmanager
def cleared(folder: str) -> Iterator[None]:
    """After the death of this program no process of a cluster that it began is left, and after the block no ``folder``.

    The cluster is ended inside. Where there is no ``/proc`` as on Linux, of a killed program only the folder goes.

    Args:
        folder: in which Ray notes down what the cluster does, and no other.
    """
    # It hears of the end by a line that nobody else holds, and of Ctrl-C nothing. It says nothing either: who killed
    # the program may have closed the terminal, and a word to that would end it.
    watch = subprocess.Popen(
        ["/bin/sh", "-c", _CLEAR, "sh", os.path.realpath(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        # Ray has ended its processes itself, and this one may still keep its notes open.
        watch.kill()
        watch.communicate()
        shutil.rmtree(folder, ignore_errors=True)
