from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extraction.corpus import extract
from crossspace.features.extraction.workers import extracted_or_reason
from crossspace.features.sources import Recording
from crossspace.transcripts import Cue, Transcript

pytestmark = pytest.mark.long


class Killer:
    """Ends the process that receives it."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def talk(name: str, transcript: Any = None) -> Recording:
    return Recording(name, transcript or Transcript((Cue("x"),)))


def test_whatever_goes_wrong_with_a_recording_is_its_own_failure_with_the_name_of_the_fault() -> None:
    odd: Any = 3
    assert (
        extracted_or_reason(Extraction({}), talk("odd", odd)) == "AttributeError: 'int' object has no attribute 'notes'"
    )


def test_a_recording_that_kills_its_process_fails_and_the_others_do_not(tmp_path: Path, recording_of) -> None:
    killer: Any = Killer()
    sound = recording_of(np.sin(np.arange(16_000) / 20)).path
    # Three transcripts make one part, and one with a recording another: the deadly one is found among the three.
    heard = Recording("heard", Transcript((Cue("x", start=0.0, end=1.0),)), sound)
    recordings = [heard, talk("first"), talk("killer", killer), talk("last")]
    result = extract(recordings, {"audio": "prosody"}, tmp_path / "c.parquet", cache=tmp_path, jobs=2)
    assert result.corpus.conversation_ids("all") == ["first", "heard", "last"]
    assert list(result.failures) == ["killer"] and "want of memory" in result.failures["killer"]


SCRIPT = """
from pathlib import Path
from crossspace.features.extraction.corpus import extract
from crossspace.features.sources import Recording

recordings = [Recording(n, Path(n + ".txt"), media=Path("sound.wav")) for n in "ab"]
found = extract(recordings, {"audio": "prosody"}, "c.parquet", cache=Path("cache"), jobs=2)
print(len(found.failures), "failures")
"""


def ran(folder: Path, script: str, sound: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(sound, folder / "sound.wav")
    for name in "ab":
        (folder / f"{name}.txt").write_text("ANN: hello")
    (folder / "script.py").write_text(script)
    return subprocess.run([sys.executable, "script.py"], cwd=folder, text=True, capture_output=True, check=False)


def test_a_script_without_a_guard_is_told_what_to_write(tmp_path: Path, recording_of) -> None:
    found = ran(tmp_path, SCRIPT, recording_of(np.zeros(16_000)).path)
    assert found.returncode != 0
    assert 'if __name__ == "__main__":' in found.stderr.splitlines()[-1] and "jobs=1" in found.stderr
    assert "memory" not in found.stderr and "bootstrapping" not in found.stderr


def test_a_script_with_a_guard_extracts_side_by_side(tmp_path: Path, recording_of) -> None:
    head, rest = SCRIPT.split("\n\n")
    found = ran(
        tmp_path,
        head + "\n\nif __name__ == '__main__':\n" + textwrap.indent(rest, "    "),
        recording_of(np.zeros(16_000)).path,
    )
    assert found.stdout == "0 failures\n", found.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_processes_end_when_the_one_that_asked_is_killed(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from crossspace.features.sources import Recording
from crossspace.transcripts import Cue, Transcript
from crossspace.features.extraction.corpus import extract

if __name__ == "__main__":
    recordings = [Recording(n, Transcript((Cue("x"),)), media=Path(n + ".wav")) for n in "abc"]
    end = lambda progress: os.kill(os.getpid(), signal.SIGKILL)
    extract(recordings, {"audio": "prosody"}, "c.parquet", cache=Path("cache"), jobs=2, progress=end)
"""
    (tmp_path / "script.py").write_text(script)
    # The pipe of what it prints ends when the last process that holds it has.
    with subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.communicate(timeout=600)
    assert process.returncode == -signal.SIGKILL
