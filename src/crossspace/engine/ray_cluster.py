"""The Ray cluster that actors live in: the program's own, one that runs elsewhere, or one begun for the occasion."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crossspace.engine.ray_remains import cleared
from crossspace.errors import CrossspaceError, UsageError
from crossspace.runtime import optional_import

_PATIENCE = 10.0
"""Seconds in which somebody answers at an address; Ray itself tries for minutes and may end the program."""
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What begins a conversation in HTTP/2 (RFC 9113, 3.4), and so in Ray's: a preface and settings that are empty."""
_SETTINGS = b"\x04"
"""The fourth byte of the answer: it begins with settings too."""
_BEGIN_ONE = (
    "`ray start --head` begins a cluster and prints its address; without --address one is begun on this machine."
)
_STORE = 100 * 2**20
"""Bytes of Ray's object store in a cluster of our own: what is handed over are names and pickles, nothing large."""


@contextmanager
def cluster(address: str | None, processors: int) -> Iterator[None]:
    """Inside, this program is connected to a cluster, and afterwards as it was before.

    A program that is connected already stays so. A cluster that is begun here ends with the block, or with the program
    however that ends; one that was joined goes on.

    Args:
        address: of a running cluster; without one the environment's ``RAY_ADDRESS`` counts, and without that one is
            begun on this machine.
        processors: that a cluster begun here offers, whether it has them or not: how many actors share them was said.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: nobody answers at the address, or it is not what an address should be.
        CrossspaceError: Ray could not begin or would not let us join.
    """
    ray = optional_import("ray", extra="ray")
    address = address or os.environ.get("RAY_ADDRESS") or None
    if ray.is_initialized():
        _check_same(address)
        yield
        return
    within = _begun(processors) if address in (None, "local") else _joined(str(address))
    with _signals_kept(), within:
        yield


def check_gpus(gpus: float) -> None:
    """Raise :class:`UsageError` where no machine of the cluster has ``gpus`` of them: an actor would wait for ever."""
    import ray

    most = max((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if gpus > most:
        raise UsageError(
            f"`--gpus-per-worker` should be at most what a machine of the cluster has. Found {gpus:g} asked for, and "
            f"{most:g} on the one with most. Ask for fewer, or join machines with more."
        )


def is_alive(node: str) -> bool:
    """Whether a machine is still one of the cluster."""
    import ray

    return any(known["NodeID"] == node and known["Alive"] for known in ray.nodes())


_TRIES = 3
"""How often a cluster is begun: on a machine that is busy, Ray gives up on its own processes too early."""


@contextmanager
def _begun(processors: int) -> Iterator[None]:
    """A cluster of our own, and nothing left of it afterwards."""
    import ray

    # Whoever has not decided about it should not be reported on by what runs a few processes for him.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    context = _init(processors)
    with cleared(context.address_info["session_dir"]):
        try:
            yield
        finally:
            ray.shutdown()


def _init(processors: int) -> Any:
    """Begin a cluster; one that does not come up in the half minute that Ray grants it is begun again.

    Raises:
        CrossspaceError: none comes up.
    """
    import ray

    for left in range(_TRIES, 0, -1):
        try:
            # Workers speak through the terminal as processes do; what Ray says of itself is for who runs clusters.
            return ray.init(
                address="local",
                num_cpus=processors,
                object_store_memory=_STORE,
                include_dashboard=False,
                logging_level=logging.ERROR,
            )
        except Exception as error:
            ray.shutdown()
            if left == 1:
                raise CrossspaceError(
                    f"Ray could not begin a cluster on this machine: {error}. '--engine local' does without."
                ) from error
        except BaseException:  # Ctrl-C while it began
            ray.shutdown()
            raise
    return None


@contextmanager
def _joined(address: str) -> Iterator[None]:
    import ray

    if address != "auto":  # by which Ray means: on this machine, wherever that is
        _check_answers(address)
    try:
        ray.init(address=address, logging_level=logging.ERROR)
    except Exception as error:
        raise CrossspaceError(
            f"The Ray cluster at {address} could not be joined: {error}. The command has to run on one of its "
            "machines (`ray start --address ...` makes this one so) and, where the cluster asks for a token, find it "
            "in RAY_AUTH_TOKEN or ~/.ray/auth_token; RAY_AUTH_MODE=token says that it does."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError(
            f"`--address` should be HOST:PORT, as `ray start --head` prints it. Found {address!r}. Programs outside "
            "of a cluster (ray://) hand in the command with `ray job submit` instead."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE) as line:
            line.settimeout(_PATIENCE)
            line.sendall(_GREETING)
            is_cluster = "RAY_USE_TLS" in os.environ or line.recv(4)[3:] == _SETTINGS
    except OSError as error:
        raise UsageError(f"Nobody answers at {address} ({error.strerror or error}). {_BEGIN_ONE}") from error
    if not is_cluster:
        raise UsageError(f"Who answers at {address} is no Ray cluster; its port is 6379 as a rule. {_BEGIN_ONE}")


def _check_same(address: str | None) -> None:
    """A program is connected to one cluster at a time."""
    import ray

    here = ray.get_runtime_context().gcs_address
    if address not in (None, "auto", "local", here):
        raise UsageError(
            f"This program should be connected to the Ray cluster at {address}. Found it connected to {here}. Leave "
            "the address out, or call `ray.shutdown()` before."
        )


@contextmanager
def _signals_kept() -> Iterator[None]:
    """What happens at SIGTERM is decided by Ray inside, so that its processes end, and as before afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
