"""What a step frees is there for the next one."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from crossspace.training.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    rows = [torch.ones(1 << 20) for _ in range(32)]  # 128 MiB: 32,768 pages of 4 KiB, or 64 of 2 MiB
    del rows
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
told = keep_freed_memory()
first, _ = faults(), faults()
print(told, first, faults())
"""


def said(**environment: str) -> tuple[str, int, int]:
    """Whether the library was told, and page faults when much memory is first taken and when it is again."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    told, first, second = done.stdout.split()
    return told, int(first), int(second)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_large_memory_is_handed_out_once() -> None:
    told, first, second = said()
    assert told == "True" and first >= 30
    assert second < first / 10


def test_what_the_environment_says_holds() -> None:
    assert said(MALLOC_MMAP_THRESHOLD_="131072")[0] == "False"
