"""A process in which files of strangers are read, decoded and heard, since a process can be ended and a thread cannot.

Libraries that parse and decode are where hostile or broken files do their harm: they loop, crash, or take all memory,
and while they do so in this process no other request is answered and no limit of time acts. So whatever looks into
an upload runs over there: its transcript, a large posted conversation, the packets of its recording (:mod:`.look`), and
the whole decoding, hearing and seeing of the recording (:mod:`.extracting`). There are two such processes, because a
look must not wait for a recording that is worked on for minutes. The model and the extractor of texts stay here: their
input is bounded in utterances and characters, they are large, and they look between any two steps whether they are
still wanted.

A process is started once and kept, so that a request does not wait for imports; it is ended when its work is no longer
wanted (too late, client gone, server ends) or when it died, and begun anew for the next. It is no sandbox: it
runs as the same user. It bounds time, and a crash is an answer to one client only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from crossspace.components import Origin
from crossspace.engine.spawned import Spawned
from crossspace.errors import CrossspaceError
from crossspace.serve.refusal import UNEXPECTED, Refusal

Said = Callable[[str], None]
_BEAT = 0.05
"""Seconds between two looks whether the work is still wanted."""
_DIED = (
    "This could not be read: the program that reads it crashed on it, or it asks for more memory than there is. "
    "Convert a recording to MP4 or WAV, save a transcript as WebVTT, or send a part."
)


class WorkerError(Exception):
    """A fault of ours over there, with its traceback for the log."""


class Worker:
    """One process that works on one thing at a time.

    Args:
        name: of the process.
        memory: bytes that its work may take beside what it has from the start, where the system can hold it to that.
        imports: code from outside that its work needs.
    """

    def __init__(self, name: str, memory: int | None = None, imports: Sequence[Origin] = ()) -> None:
        self._name, self._memory, self._imports = name, memory, tuple(imports)
        self._spawned: Spawned | None = None
        # Held by who begins the process, works with it or closes its line: a line that is closed under another thread
        # is a file that may be anybody's by then.
        self._lock = threading.RLock()

    @property
    def process(self) -> int | None:
        """The number of the process, while there is one."""
        return self._spawned.process.pid if self._spawned is not None else None

    def begin(self) -> None:
        """Start the process, if there is none that lives."""
        with self._lock:
            if self._spawned is not None and self._spawned.process.is_alive():
                return
            self.end()
            self._spawned = Spawned(_serve, (self._memory,), self._name, self._imports)

    def call(
        self, function: Callable[..., Any], *arguments: Any, said: Callable[..., None] = lambda stage="": None
    ) -> Any:
        """``function(*arguments, say)`` over there.

        Args:
            function: of a module; its last argument takes news of one word.
            arguments: can be pickled, as can what it returns.
            said: told the news; called many times a second besides, and may raise to end the work.

        Raises:
            Refusal: 422, the process died of it.
            CrossspaceError: raised over there.
            WorkerError: another exception was.
        """
        with self._lock:
            said()  # nothing is begun for what is no longer wanted
            line = self._begun(said).line
            try:
                line.send((function, arguments))
                kind, value = self._news(line, said)
            except (EOFError, OSError) as error:
                self.end()
                raise Refusal(422, _DIED) from error
            # An end of the wish, such as Stopped, comes this way too: the process must not go on with it.
            except BaseException:
                self.end()
                raise
        if kind == "failed":
            raise value
        return value

    def _begun(self, said: Callable[..., None]) -> Spawned:
        """The process, once it has begun. Who gives up before ends nothing: the next one would wait for it as long."""
        self.begin()
        assert self._spawned is not None
        while not self._spawned.has_spoken:
            said()
            try:
                if self._spawned.line.poll(_BEAT):
                    self._spawned.hear()
            except (EOFError, OSError, CrossspaceError) as error:
                self.end()
                raise WorkerError(f"The process {self._name!r} ended before it had begun. {error}") from error
        return self._spawned

    def _news(self, line: Connection, said: Callable[..., None]) -> tuple[str, Any]:
        """What comes at the end; what comes on the way is told."""
        while True:
            said()
            if line.poll(_BEAT):
                kind, value = line.recv()
                if kind != "said":
                    return kind, value
                said(value)

    def end(self) -> None:
        """End the process, whatever it does. Another thread that works with it hears that it died."""
        if (spawned := self._spawned) is not None:
            # It may hang in a library that heeds no gentler signal. Who waits for its word gives up the lock by this.
            spawned.process.kill()
        with self._lock:
            if self._spawned is not None:
                self._spawned.end(kill=True)
            self._spawned = None


def _serve(line: Connection, memory: int | None) -> None:
    """Over there: do what is asked until nobody is there to ask."""
    if memory is not None:
        _limit_memory(memory)
    while True:
        function, arguments = line.recv()
        line.send(_answer(function, arguments, lambda stage: line.send(("said", stage))))


def _limit_memory(allowance: int) -> None:
    """Of this process, on Linux; elsewhere nothing happens."""
    status = Path("/proc/self/status")
    if status.exists():
        import resource

        # Libraries are loaded by now and are not counted against the work.
        now = 1024 * int(status.read_text().split("VmData:")[1].split()[0])
        resource.setrlimit(resource.RLIMIT_DATA, (now + allowance, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...], say: Said) -> tuple[str, Any]:
    try:
        return "done", function(*arguments, say)
    except CrossspaceError as error:
        return "failed", error
    except MemoryError:
        return "failed", Refusal(422, _DIED)
    except Exception as error:
        return "failed", WorkerError(f"{UNEXPECTED}\n{type(error).__name__}: {error}")
