from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from crossspace.features.extraction import Extracted, Extraction
from crossspace.features.sources import Recording
from crossspace.features.transcripts import Cue, Transcript
from crossspace.features.workers import side_by_side, tried


class Killer:
    """Ends the process that receives it."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def talk(name: str, transcript: Any = None) -> Recording:
    return Recording(name, transcript or Transcript((Cue("x"),)))


def test_whatever_goes_wrong_with_a_recording_is_its_own_failure_with_the_name_of_the_fault() -> None:
    odd: Any = 3
    assert tried(Extraction({}), talk("odd", odd)) == "AttributeError: 'int' object has no attribute 'notes'"


def test_a_recording_that_kills_its_process_fails_and_the_others_do_not(tmp_path: Path) -> None:
    killer: Any = Killer()
    recordings = [talk("first"), talk("killer", killer), talk("last")]
    found = {recording.id: result for recording, result in side_by_side(recordings, {}, tmp_path, 2)}
    assert {name for name, result in found.items() if isinstance(result, Extracted)} == {"first", "last"}
    assert "want of memory" in str(found["killer"])
