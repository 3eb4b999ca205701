"""A file of ONNX as ONNX Runtime holds it."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any

from crossspace.extras import optional_import
from crossspace.onnx.description import ADVICE
from crossspace.reading import reading

_HEAD = 20
_KEY = re.compile(rb"(?:\x0a|\x8a[\x80-\xff]*[\x00-\x7f])(?:\x08|\x88[\x80-\xff]*[\x00-\x7f])\Z")
"""How a text of eight bytes begins that is the first field of its message, also in more bytes than it takes."""


def session_of(path: Path) -> Any:
    """The network in a file.

    Raises:
        DataError: it is damaged, keeps weights in other files, or is of a version of ONNX that the installed ONNX
            Runtime does not know.
        MissingExtraError: ONNX Runtime is not installed.
    """
    runtime = optional_import("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what it has to say comes as an exception
    # Not by what the file seems to be: the other format is for files of one's own.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    advice = f"{ADVICE} ONNX Runtime {runtime.__version__} may also be too old for it: upgrade onnxruntime."
    with reading(path, "a model that ONNX Runtime reads", advice):
        if _names_other_files(path):
            raise ValueError("it keeps weights in other files, and an exported model holds all of them itself")
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _names_other_files(path: Path) -> bool:
    """Whether a weight says that it lies elsewhere, where older releases of ONNX Runtime follow it to any file."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(b"location")
        while place >= 0:
            if _KEY.search(content[max(0, place - _HEAD) : place]):
                return True
            place = content.find(b"location", place + 1)
    return False
