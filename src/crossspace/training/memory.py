"""Memory that a step frees stays with the process for the next one."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import lru_cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of ``mallopt``, by ``malloc.h`` of the GNU C library."""
_PAD = 64 << 20
_APART = 32 << 20
"""Bytes from which a piece is asked of the system by itself, the most that every release of the library takes."""
_NEVER = (1 << 31) - 1
_CHOSEN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@lru_cache
def keep_freed_memory() -> bool:
    """Have the C library keep large pieces of memory instead of giving them back to the system; for this process.

    A step on the processor asks for hundreds of matrices of several megabytes and frees them. Each that is given back
    and asked for again is handed out page by page and zeroed first, which took 3 to 4 % of a large step. The process
    keeps what it needed at its peak until it ends.

    Returns:
        Whether the library was told so: it is GNU's, and no environment variable says otherwise.
    """
    if platform.libc_ver()[0] != "glibc" or any(os.environ.get(name) for name in _CHOSEN):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # First: the others end the automatic choice of it, which a refusal would leave at its lowest.
    return all(
        mallopt(parameter, value)
        for parameter, value in ((_MMAP_THRESHOLD, _APART), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD))
    )
