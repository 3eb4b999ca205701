"""``python -m benchmarks.stores``: the tasks of :mod:`benchmarks.engines` with everything on a store, and its bytes.

The store is a server that speaks S3 (moto's, in a process of its own) on this machine. Inputs are put there first; each
command reads from there and writes to there, its cache of features too. Every few seconds the connection of a request
is cut in the middle of what goes up or comes down. The same is done with local paths for comparison.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.engines import Task, Watched, tasks
from benchmarks.proxy import Proxy

_BUCKET = "s3://bench"
_EVERY = 2.0
_SERVER = """
import logging, time
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
time.sleep(1e6)
"""


@contextmanager
def store() -> Iterator[Proxy]:
    """What stands between the commands and an empty store, which the environment names from now on."""
    process = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        host, port = process.stdout.readline().split()
        proxy = Proxy((host, int(port)))
        named = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
        os.environ.update(named, AWS_ENDPOINT_URL=proxy.address, AWS_EC2_METADATA_DISABLED="true")
        url = _BUCKET.replace("s3://", f"http://{host}:{port}/")
        urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()
        yield proxy
    finally:
        process.kill()


def put(folder: Path, address: str) -> None:
    """Copy a folder to the store."""
    from crossspace.runtime import write_bytes

    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        write_bytes(f"{address}/{file.relative_to(folder)}", file.read_bytes())


def fetch(address: str, folder: Path) -> None:
    """Copy a folder of the store to this machine."""
    from crossspace.stores import place

    for file in place(address).rglob("*"):
        if file.is_file():
            target = folder / str(file).removeprefix(f"{address}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())


def compare(task: Task, folder: Path, inputs: Path, proxy: Proxy) -> dict[str, object]:
    """The task with local paths, then on the store."""
    from crossspace.stores import place

    took, digests = [], []
    for name in ("local", "store"):
        out = folder / f"{task.name}-{name}"
        out.mkdir()
        on_store = place(f"{_BUCKET}/{task.name}") if name == "store" else out
        words = [*task.words(on_store), "--jobs", "2"]  # type: ignore[arg-type]
        if name == "store":
            words = [word if word.endswith(".yaml") else word.replace(str(inputs), f"{_BUCKET}/in") for word in words]
        proxy.requests.clear()
        proxy.received = 0
        over, cuts, watched, began = threading.Event(), [0], Watched(), time.monotonic()
        cutting = threading.Thread(target=_cut, args=(proxy, over, cuts), daemon=True)
        if name == "store":
            cutting.start()
        watched.run(words)
        took.append(round(time.monotonic() - began, 1))
        over.set()
        watched.close()
        if name == "store":
            cutting.join()
            requests, received = len(proxy.requests), proxy.received
            proxy.cut(0, after=0)
            fetch(f"{_BUCKET}/{task.name}", out)
        digests.append(task.digest(out))
    equal = digests[0] == digests[1] and "nothing" not in digests[0]
    return {
        "local_seconds": took[0],
        "store_seconds": took[1],
        "requests": requests,
        "received_mb": round(received / 1e6, 1),
        "cuts": cuts[0],
        "equal": equal,
    }


def _cut(proxy: Proxy, over: threading.Event, cuts: list[int]) -> None:
    ways = itertools.cycle([(b"GET", False, 3_000), (b"PUT", True, 3_000), (b"GET", False, 200)])
    while not over.wait(_EVERY):
        cuts[0] += proxy.made
        only, upwards, after = next(ways)
        proxy.cut(1, after=after, only=only, upwards=upwards)
    cuts[0] += proxy.made
    proxy.made = 0


def main() -> None:
    """Do every task with local paths and on the store, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", type=Path, required=True, help="a recording with sound, of which clips are cut")
    parser.add_argument("--texts", type=Path, help="a folder of tables of dialogues")
    parser.add_argument("--out", type=Path, required=True, help="folder to work in, new")
    parser.add_argument("--only", nargs="*", help="names of tasks: clips, texts, predictions, study, search")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    inputs = options.out / "in"
    inputs.mkdir(parents=True)
    texts = inputs / "texts" if options.texts else None
    if texts:
        shutil.copytree(options.texts, texts)
    found: dict[str, dict[str, object]] = {}
    print("| task | local paths, s | store, s | requests | MB received | connections cut | equal |")
    print("|---|---:|---:|---:|---:|---:|---|")
    with store() as proxy:
        todo = [t for t in tasks(texts, options.recording, inputs) if not options.only or t.name in options.only]
        put(inputs, f"{_BUCKET}/in")
        for task in todo:
            found[task.name] = one = compare(task, options.out, inputs, proxy)
            print(f"| {task.name} |", " | ".join(str(v) for v in one.values()), "|", flush=True)
    (options.out / "stores.json").write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if all(one["equal"] for one in found.values()) else 1)


if __name__ == "__main__":
    main()
