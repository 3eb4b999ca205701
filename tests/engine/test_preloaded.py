"""What the server of processes imports before it forks them."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import torch

def asked(*args, **kwargs):
    raise SystemExit("asked for a GPU")

for name in ("is_available", "device_count", "init", "_lazy_init"):
    setattr(torch.cuda, name, asked)
import crossspace.engine.preloaded
from crossspace.studies.worker import work_at
for module in work_at(None).modules:
    __import__(module)
print("fine")
"""


def test_nothing_that_is_imported_before_a_fork_asks_for_a_gpu() -> None:
    # CUDA does not work in a process forked from one that has asked, and several trainings share a GPU.
    told = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=120)
    assert told.stdout.strip().splitlines()[-1:] == ["fine"], told.stderr + told.stdout
