from __future__ import annotations

import os
import sys

import pytest

from benchmarks.kills import killed_until_it_ends

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")


def test_a_command_is_killed_as_often_as_asked_and_then_ends():
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', '']); print('done')"
    found = killed_until_it_ends([sys.executable, "-c", script], 2, longest=0.01)
    assert len(found.after) == 2 and found.orphans == found.code == 0
    assert found.said.splitlines()[-1] == "done"
