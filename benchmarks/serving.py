"""``python -m benchmarks.serving [RUN]``: a server under load, and under attack (``--hostile``); writes serving.json.

The server is a process of its own, started as users start it, on loopback.
"""

from __future__ import annotations

import argparse
import http.client
import json
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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.hostile import uploads

SAYINGS = (
    "Oh my God, you are really here!",
    "You said you would call. You never did.",
    "I know, I'm sorry.",
    "It's on the table, next to the keys.",
    "Don't you ever touch that again!",
    "Wait, what was that noise?",
)
WARM_UP = 3.0


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
        """Resident memory, MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

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
        line.request("POST", "/v1/predict", conversation(utterances, number), {"Content-Type": "application/json"})
        answer = line.getresponse()
        content = answer.read()
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
    milliseconds = sorted(1000 * s for s in load.seconds)
    return {
        "clients": clients,
        "utterances": utterances,
        "seconds": took,
        "requests": len(milliseconds),
        "requests_per_second": len(milliseconds) / took,
        "milliseconds": {
            "median": statistics.median(milliseconds),
            "p99": milliseconds[int(0.99 * (len(milliseconds) - 1))],
            "most": milliseconds[-1],
        },
        "statuses": dict(load.statuses),
        "memory_mib": {"before": before, "after": after},
    }


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
        result = under_load(start, given.clients, given.utterances, given.seconds)
        spread = result["milliseconds"]
        print(f"{result['requests_per_second']:.1f} requests per second of {given.utterances} utterances")
        print(f"median {spread['median']:.1f} ms, 99th percentile {spread['p99']:.1f} ms; {result['statuses']}")
    memory = result["memory_mib"]
    print(f"memory {memory['before']:.0f} MiB before, {memory['after']:.0f} MiB after")
    given.out.write_text(json.dumps({"machine": platform.platform(), **result}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
