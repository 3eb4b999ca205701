"""A few hundred damaged files for every reader; ``python -m benchmarks.fuzz`` gives them many thousands."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pyarrow
import pytest

from benchmarks.fuzz import FAULTS, READERS, prepare, run
from benchmarks.fuzzing.processes import outcomes

pytestmark = pytest.mark.long


def misbehave(job: str | None) -> tuple[str, str]:
    """What a reader may do at worst."""
    if job == "dies":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job == "hangs":
        time.sleep(60)
    if job == "grows":
        bytearray(2**31)
    return "read", ""


def test_a_process_that_dies_or_hangs_is_told_and_the_others_go_on() -> None:
    jobs = ["dies", "fine", "hangs", "well"]
    done = outcomes(misbehave, jobs, processes=1, mebibytes=512, seconds=5)
    found = {job: outcome for job, outcome, _ in done}
    assert found == {"dies": "signal", "fine": "read", "hangs": "timeout", "well": "read"}


def test_memory_of_a_process_is_bounded() -> None:
    (found,) = outcomes(misbehave, ["grows"], processes=1, mebibytes=512, seconds=20)
    assert found[1] == "signal"


def test_every_reader_reads_its_own_whole_file(tmp_path: Path) -> None:
    prepare(tmp_path)
    for reader in READERS:
        reader.read(tmp_path / reader.name / reader.file)


@pytest.mark.skipif(int(pyarrow.__version__.split(".")[0]) < 26, reason="pyarrow 25 reads no corpus to be damaged")
def test_damaged_and_forged_files_are_read_or_refused_and_nothing_else() -> None:
    found = run(files=6 * len(READERS), seed=3, seconds=60)
    assert [line for line in found if line["outcome"] in FAULTS] == []
    assert {line["reader"] for line in found} == {reader.name for reader in READERS}
    assert sum(line["outcome"] == "read" for line in found) >= 8
    assert sum(line["outcome"] == "refused" for line in found) >= 40
