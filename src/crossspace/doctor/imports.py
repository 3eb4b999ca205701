"""Libraries imported in a process that may die of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE = 120.0
"""Seconds to wait for one import; a cold disk takes a while over PyTorch."""
_END = 10.0
"""Seconds to wait for a process that has closed its line."""


def imported(modules: Sequence[str], patience: float = PATIENCE) -> dict[str, dict[str, Any]]:
    """What came of importing each module: ``fault``, empty where it went well, and ``facts`` where there are some.

    Args:
        modules: as they are imported.
        patience: seconds for each.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = list(dict.fromkeys(modules))
    while waiting:
        for answer in _answers(waiting, patience):
            found[answer["module"]] = answer
        # The first without an answer is the one that the process ended with; the others have a process to themselves.
        waiting = [module for module in waiting if module not in found]
    return found


def _answers(modules: Sequence[str], patience: float) -> Iterator[dict[str, Any]]:
    probe = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("probe.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # with what libraries begin at their import, which may hold the line open
    )
    assert probe.stdin is not None and probe.stdout is not None
    answered, late = 0, threading.Event()
    with probe:
        watch = _Watch(probe, late, patience)
        threading.Thread(target=_followed, args=(probe,), daemon=True).start()
        try:
            probe.stdin.write(json.dumps({"path": sys.path, "modules": list(modules)}).encode())
            probe.stdin.close()
            while answered < len(modules) and (line := probe.stdout.readline()):
                watch.again()
                yield json.loads(line)
                answered += 1
            if answered < len(modules):
                with suppress(subprocess.TimeoutExpired):  # its own end is told, and not ours of it
                    probe.wait(_END)
        except BrokenPipeError:
            pass  # it ended before it was asked anything
        finally:
            watch.stop()
            _kill(probe)
    if answered < len(modules):
        ended = f"took longer than {patience:g} seconds" if late.is_set() else _end(probe.returncode)
        yield {"module": modules[answered], "fault": f"the import {ended}"}


def _followed(process: subprocess.Popen[bytes]) -> None:
    """When a process has ended, end what it has begun and what holds its line open."""
    process.wait()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """A process that leads a session, and whatever it has begun."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _end(code: int) -> str:
    return f"ended the process with signal {-code}" if code < 0 else f"ended the process with exit code {code}"


class _Watch:
    """Ends a process that says nothing for too long."""

    def __init__(self, process: subprocess.Popen[bytes], late: threading.Event, patience: float) -> None:
        self.process, self.late, self.patience = process, late, patience
        self.timer = self._begun()

    def _begun(self) -> threading.Timer:
        timer = threading.Timer(self.patience, self._end)
        timer.daemon = True
        timer.start()
        return timer

    def _end(self) -> None:
        self.late.set()
        _kill(self.process)

    def again(self) -> None:
        """Begin to wait anew."""
        self.timer.cancel()
        self.timer = self._begun()

    def stop(self) -> None:
        """Wait no longer."""
        self.timer.cancel()
