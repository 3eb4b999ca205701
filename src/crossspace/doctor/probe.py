"""Imports one module after the other and says of each whether that went well: a program of its own.

It is given the search path of its parent and the names of modules as JSON, and prints a line of JSON after each of
them. It imports nothing of crossspace, since it runs from this folder before it has that path.
"""

import json
import os
import sys
from contextlib import suppress
from typing import Any


def _facts_of_pytorch(torch: Any) -> dict[str, Any]:
    """What PyTorch computes on."""
    devices = ["cpu"]
    devices += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return {
        "version": torch.__version__,
        "devices": devices,
        "threads": torch.get_num_threads(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "onednn": torch.backends.mkldnn.is_available(),
        "bf16": torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    }


def _told(module: str) -> dict[str, Any]:
    found: dict[str, Any] = {"module": module, "fault": ""}
    try:
        imported = __import__(module)
    # Whatever a library does when it is imported, it shall be told: some end the program.
    except BaseException as error:
        found["fault"] = type(error).__name__
        with suppress(Exception):  # some have no words either
            found["fault"] = f"{type(error).__name__}: {error}"[:500]
        return found
    if module == "torch":
        # A release that has none of these names is not broken for that.
        with suppress(Exception):
            found["facts"] = _facts_of_pytorch(imported)
    return found


def main() -> None:
    """Import what standard input names."""
    # Libraries print while they are imported; only our lines go where the parent listens.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    asked = json.loads(sys.stdin.buffer.read())
    sys.path[:] = asked["path"]
    for module in asked["modules"]:
        print(json.dumps(_told(module)), file=answers, flush=True)


if __name__ == "__main__":
    main()
    # Some libraries hang or crash in what they do at the end.
    os._exit(0)
