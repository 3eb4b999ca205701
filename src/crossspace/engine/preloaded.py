"""What every process of our own would import first; imported once, by the server that they are forked from."""

from __future__ import annotations

import atexit
import shutil
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path

import numpy  # noqa: F401
import pyarrow.parquet  # noqa: F401

with suppress(ModuleNotFoundError):  # an exported model does without
    import torch  # noqa: F401


def _remove_socket() -> None:
    """Remove the folder of the server's socket, which whoever started the server cannot do when it was killed."""
    # A detail of the standard library, which itself removes the folder after a usual end.
    address = getattr(forkserver._forkserver, "_forkserver_address", None)
    if address and isinstance(address, str):
        shutil.rmtree(Path(address).parent, ignore_errors=True)


# Processes that are forked leave without it.
atexit.register(_remove_socket)
