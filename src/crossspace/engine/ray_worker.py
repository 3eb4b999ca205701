"""What lives in an actor of a Ray cluster: the work, in a thread of its own, and who speaks for it."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import Any

from crossspace.components import Origin, load_again
from crossspace.engine.work import Report, Work, reason_of

PROGRESS, DONE, FAILED = "progress", "done", "failed"


class RayWorker:
    """Begins once, and then is given items that it does one at a time.

    The work has one thread from its beginning to its end, because PyTorch keeps the number of its threads per thread.
    The actor's own thread hands on what the work says while it goes on.
    """

    def __init__(self) -> None:
        self._item = b""
        self._given: SimpleQueue[bytes] = SimpleQueue()
        self._said: SimpleQueue[tuple[str, bytes]] = SimpleQueue()

    def begin(self, imports: Sequence[Origin], packed: bytes, threads: int | None) -> tuple[str | None, str]:
        """Make what all items need; the answer is why that is impossible, or None, and the name of the machine.

        Args:
            imports: code from outside, imported before anything else is unpickled.
            packed: the work, pickled.
            threads: of PyTorch on the CPU; its own choice when not given.
        """
        import ray

        try:
            load_again(imports)
        except Exception as error:
            return reason_of(error), ""
        threading.Thread(target=self._live, args=(packed, threads), daemon=True, name="work").start()
        _, reason = self._said.get()
        return pickle.loads(reason), ray.get_runtime_context().get_node_id()

    def take(self, packed: bytes) -> None:
        """Hold an item without looking at it: who has heard the answer knows that a death after it is its doing."""
        self._item = packed

    def do(self) -> Iterator[tuple[str, bytes]]:
        """Do what was taken; ``(kind, pickled value)`` whenever there is news, the last of which is no progress."""
        self._given.put(self._item)
        kind = PROGRESS
        while kind == PROGRESS:
            kind, packed = self._said.get()
            yield kind, packed

    def _live(self, packed: bytes, threads: int | None) -> None:
        """Do the work, and take the actor along when that ends in a way nobody foresaw: others would wait for ever."""
        try:
            self._work(packed, threads)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    def _work(self, packed: bytes, threads: int | None) -> None:
        if threads is not None:
            import torch

            torch.set_num_threads(threads)
        try:
            work: Work = pickle.loads(packed)
            state = work.begin(work.setup)
        except Exception as error:
            self._said.put(("impossible", pickle.dumps(reason_of(error))))
            return
        self._said.put(("begun", pickle.dumps(None)))

        def report(message: Any) -> None:
            self._said.put((PROGRESS, pickle.dumps(message)))

        while True:
            self._said.put(_outcome(work, state, self._given.get(), report))


def _outcome(work: Work, state: Any, packed: bytes, report: Report) -> tuple[str, bytes]:
    try:
        return DONE, pickle.dumps(work.do(state, pickle.loads(packed), report))
    except Exception as error:
        return FAILED, pickle.dumps(reason_of(error))
