"""One process of our own and the line to it: how it begins, how it ends with us, and what its death says."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from crossspace.components import Origin, load_again
from crossspace.engine.work import reason_of
from crossspace.errors import CrossspaceError, UsageError
from crossspace.runtime import end_with_parent

# On Linux processes are forked from one that has imported PyTorch and does nothing else: importing it takes seconds.
# Elsewhere a fork of a process with system libraries in it is not safe, and each begins from nothing.
if sys.platform == "linux":
    _CONTEXT = multiprocessing.get_context("forkserver")
else:
    _CONTEXT = multiprocessing.get_context("spawn")
_PRELOADED = "crossspace.engine.preloaded"
_PATIENCE = 30.0
"""Seconds in which a process ends that is told to; then it is killed."""


class UnguardedError(UsageError):
    """The script that asks for processes would ask for them again in each of them."""


class Spawned:
    """A process that runs ``target(line, *arguments)``.

    It hears nothing of Ctrl-C: whoever started it ends it. It ends by itself when that one is gone.

    Args:
        target: a function of a module.
        arguments: can be pickled, and unpickled without code from outside.
        name: of the process.
        imports: code from outside that is imported before ``target`` is called.
        modules: slow to import, and needed there; the first process that is asked for decides what later ones have.

    Attributes:
        line: to the process.
        has_spoken: it has begun.
    """

    def __init__(
        self,
        target: Callable[..., None],
        arguments: Sequence[Any] = (),
        name: str = "",
        imports: Sequence[Origin] = (),
        modules: Sequence[str] = (),
    ) -> None:
        # A line of its own for each process: a shared queue that one dies in is broken for all.
        self.line, theirs = _CONTEXT.Pipe()
        self.has_spoken = False
        _CONTEXT.set_forkserver_preload([_PRELOADED, *modules])  # nothing where there is no such server
        # The server of processes has the environment of when it began.
        process_arguments = (theirs, dict(os.environ), tuple(imports), target, tuple(arguments))
        self.process = _CONTEXT.Process(target=_begin, args=process_arguments, name=name or None, daemon=True)
        try:
            with _without_interrupts():  # Ctrl-C reaches a whole group of processes at once
                self.process.start()
        except RuntimeError:
            if multiprocessing.current_process().name == "MainProcess":
                raise
            # This process imports the script that asked for it, and is not to ask again; that one says why.
            raise SystemExit(1) from None
        finally:
            # Only then the line ends when the process does.
            theirs.close()

    def hear(self) -> bytes | None:
        """What comes next from the process; None for its first word, by which it is known to have begun.

        Raises:
            CrossspaceError: it cannot import the code from outside.
            EOFError, OSError: it has ended.
        """
        word = self.line.recv_bytes()
        if self.has_spoken:
            return word
        self.has_spoken = True
        # Its first word, before any work: whether code from outside could be imported there.
        if (reason := pickle.loads(word)) is not None:
            raise CrossspaceError(reason)
        return None

    def death(self) -> str:
        """Why it ended, once the line to it is closed.

        Raises:
            UnguardedError: it ended while it imported the script that started it.
        """
        self.process.join()
        code = self.process.exitcode or 0
        if code < 0:
            hint = ": perhaps there was not enough memory; fewer jobs at a time need less" if code == -9 else ""
            return f"The process was ended by signal {-code}{hint}."
        if not self.has_spoken:
            raise UnguardedError(
                "The processes that do the work ended before they began. Each begins by importing the script that asks "
                "for them, and must not ask again: write what the script does below a line "
                '`if __name__ == "__main__":`.'
            )
        return f"The process ended with exit code {code} and said nothing."

    def let_go(self) -> None:
        """Close the line, by which it ends once it has done what it is at."""
        self.line.close()

    def end(self, kill: bool = False) -> None:
        """End it, whatever it does."""
        self.line.close()
        (self.process.kill if kill else self.process.terminate)()
        self.wait()

    def wait(self) -> None:
        """Wait until it has ended, and help it along when that takes too long."""
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process that is started inside never hears of Ctrl-C, not even while it begins; we hear of it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would let interrupts in again, where it is started by the process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(
    line: Connection,
    environment: dict[str, str],
    imports: Sequence[Origin],
    target: Callable[..., None],
    arguments: Sequence[Any],
) -> None:
    """Over there."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with suppress(EOFError, OSError):  # nobody is there any more
        try:
            load_again(imports)
        except Exception as error:
            line.send(reason_of(error))
            sys.exit(1)
        line.send(None)
        target(line, *arguments)
