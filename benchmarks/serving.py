"""``python -m benchmarks.serving [RUN]``: a server under load, under attack (``--hostile``), or both (``--siege``).

Writes serving.json.

The server is a process of its own, started as users start it, on loopback.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.hostile import uploads
from benchmarks.siege import besieged

SAYINGS = (
    "Oh my God, you are really here!",
    "You said you would call. You never did.",
    "I know, I'm sorry.",
    "It's on the table, next to the keys.",
    "Don't you ever touch that again!",
    "Wait, what was that noise?",
)
WARM_UP = 3.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(path.parent.name))
    return found


@dataclass
class Served:
    """A running server.

    Attributes:
        process: its process.
        port: where it listens.
        folder: of its uploads.
    """

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def memory(self) -> float:
        """Resident memory, MiB, of the server and of the processes that it has started."""
        own = [self.process.pid, *_children(self.process.pid)]
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 2**20 for pid in own)

    def left(self) -> list[str]:
        """Files of uploads that lie around."""
        return [path.name for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


@contextmanager
def server(words: Sequence[str]) -> Iterator[Served]:
    """``crossspace serve`` with these words on a free port."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "crossspace", "serve", "--port", "0", *words],
            env={**os.environ, "TMPDIR": folder},
            text=True,
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            lines = [line for line in (process.stdout.readline(), process.stdout.readline()) if line]
            if len(lines) < 2:
                raise SystemExit("The server did not start.")
            yield Served(process, int(lines[1].split("  ")[0].rpartition(":")[2]), Path(folder))
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass
class Load:
    """What clients saw: seconds of every answer, how often each status came."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def conversation(utterances: int, seed: int) -> bytes:
    """A posted conversation of two people; no text of a run comes twice, so that nothing could be remembered."""
    said = [
        {"speaker": "AB"[i % 2], "text": f"{SAYINGS[(seed + i) % len(SAYINGS)]} {seed + i}"} for i in range(utterances)
    ]
    return json.dumps({"id": f"c{seed}", "utterances": said}).encode()


def client(port: int, utterances: int, until: float, load: Load, number: int) -> None:
    """Post conversations one after the other, as fast as answers come."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            line.request("POST", "/v1/predict", conversation(utterances, number), {"Content-Type": "application/json"})
            answer = line.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            load.statuses[0] += 1
            line.close()
            continue
        load.seconds.append(time.perf_counter() - began)
        load.statuses[answer.status] += 1
        assert answer.status != 200 or len(json.loads(content)["utterances"]) == utterances
        number += 97
    line.close()


def post_for(served: Served, clients: int, utterances: int, seconds: float) -> Load:
    """Clients that post side by side."""
    load, until = Load(), time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(served.port, utterances, until, load, number))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def under_load(words: Sequence[str], clients: int, utterances: int, seconds: float) -> dict[str, Any]:
    """Requests per second, percentiles, errors, memory."""
    with server(words) as served:
        post_for(served, clients, utterances, min(WARM_UP, seconds))
        before, began = served.memory(), time.perf_counter()
        load = post_for(served, clients, utterances, seconds)
        took, after = time.perf_counter() - began, served.memory()
    return {
        "clients": clients,
        "utterances": utterances,
        "seconds": took,
        "requests": len(load.seconds),
        "requests_per_second": len(load.seconds) / took,
        "milliseconds": spread(load.seconds),
        "statuses": dict(load.statuses),
        "memory_mib": {"before": before, "after": after},
    }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and the most, in milliseconds."""
    ordered = sorted(1000 * s for s in seconds) or [math.nan]
    return {"median": statistics.median(ordered), "p99": ordered[int(0.99 * (len(ordered) - 1))], "most": ordered[-1]}


def under_siege(words: Sequence[str], clients: int, utterances: int, seconds: float) -> dict[str, Any]:
    """The same while others attack; besides, how soon ``/v1/health`` answers, and what attackers are told."""
    with server(words) as served:
        post_for(served, clients, utterances, min(WARM_UP, seconds))
        before, began = served.memory(), time.perf_counter()
        over, health = threading.Event(), Load()
        prober = threading.Thread(target=probe, args=(served.port, over, health))
        prober.start()
        with besieged(served.port) as answers:
            load = post_for(served, clients, utterances, seconds)
            took, during = time.perf_counter() - began, served.memory()
        over.set()
        prober.join()
        time.sleep(min(2 * WARM_UP, seconds))
        ended, after = time.perf_counter(), served.memory()
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(60)
        ending = time.perf_counter() - ended
        left = served.left()
    return {
        "clients": clients,
        "utterances": utterances,
        "seconds": took,
        "requests": len(load.seconds),
        "requests_per_second": len(load.seconds) / took,
        "milliseconds": spread(load.seconds),
        "statuses": dict(load.statuses),
        "health_milliseconds": spread(health.seconds),
        "health_statuses": dict(health.statuses),
        "attacks": {name: dict(counts) for name, counts in sorted(answers.items())},
        "memory_mib": {"before": before, "during": during, "after": after},
        "seconds_to_end": ending,
        "left": left,
    }


def probe(port: int, over: threading.Event, health: Load) -> None:
    """Ask for the health of a server several times a second, each time over a new connection."""
    while not over.wait(0.2):
        began = time.perf_counter()
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            line.request("GET", "/v1/health")
            status = line.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0
        health.seconds.append(time.perf_counter() - began)
        health.statuses[status] += 1
        line.close()


def under_attack(words: Sequence[str]) -> dict[str, Any]:
    """The answer to every hostile upload, and what is left afterwards."""
    answers: list[dict[str, Any]] = []
    with server(words) as served:
        before = served.memory()
        for name, send in uploads():
            began = time.perf_counter()
            status, message = send(served.port)
            answers.append({"upload": name, "status": status, "seconds": time.perf_counter() - began, "says": message})
        # A client that left a moment ago may still be noticed.
        deadline = time.monotonic() + 10
        while served.left() and time.monotonic() < deadline:
            time.sleep(0.1)
        alive = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        alive.request("GET", "/v1/health")
        result = {
            "answers": answers,
            "refused": sum(400 <= a["status"] < 500 for a in answers),
            "left": served.left(),
            "healthy": alive.getresponse().status == 200,
            "memory_mib": {"before": before, "after": served.memory()},
        }
    return result


def main(words: Sequence[str] | None = None) -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("run", nargs="?", help="a run; the model in the box if not given")
    parser.add_argument("--hostile", action="store_true", help="hostile uploads instead of load")
    parser.add_argument("--siege", action="store_true", help="load and, beside it, attacks that go on all the time")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--utterances", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("serving.json"))
    given = parser.parse_args(words)
    start = [given.run] if given.run else []
    if given.hostile:
        result = under_attack(start)
        for answer in result["answers"]:
            print(f"{answer['status']}  {answer['seconds']:6.2f} s  {answer['upload']}: {answer['says'][:90]}")
        print(f"{result['refused']} of {len(result['answers'])} refused with 4xx; left behind: {len(result['left'])}")
    else:
        measure = under_siege if given.siege else under_load
        result = measure(start, given.clients, given.utterances, given.seconds)
        took = result["milliseconds"]
        print(f"{result['requests_per_second']:.1f} requests per second of {given.utterances} utterances")
        print(f"median {took['median']:.1f} ms, 99th percentile {took['p99']:.1f} ms; {result['statuses']}")
    if given.siege:
        health = result["health_milliseconds"]
        print(f"health: median {health['median']:.1f} ms, most {health['most']:.1f} ms; {result['health_statuses']}")
        for name, counts in result["attacks"].items():
            print(f"  {name}: {counts}")
        print(f"ended within {result['seconds_to_end']:.1f} s of SIGTERM; left behind: {len(result['left'])}")
    memory = result["memory_mib"]
    print(f"memory {memory['before']:.0f} MiB before, {memory['after']:.0f} MiB after")
    given.out.write_text(json.dumps({"machine": platform.platform(), **result}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
