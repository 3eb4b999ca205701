"""``python -m benchmarks.engines``: the same work on every engine, killed half-way too, to the same bytes.

Four tasks: features of 200 short clips and of the texts of a table of dialogues, predictions of 20,000 conversations, a
study of 8 variants with 5 seeds, a search of 40 trials. Each is done with ``local`` (two processes), as three processes
of a scheduler (shards and a merge; one folder for a study or a search), with ``ray`` (two actors), and with ``ray``
where first the driver is killed (SIGKILL) half-way, then an actor, and the same command goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
import yaml

CLIPS, SECONDS = 200, 3.0
CONVERSATIONS = 20_000
_PROGRAM = [sys.executable, "-m", "crossspace"]
_EVERY = 0.1


@dataclass
class Taken:
    """What one way of doing a task took.

    Attributes:
        seconds: from the first command to the end of the last.
        driver_mib, all_mib: largest memory (PSS) of a command that was begun, and of all its processes together.
        digest: of what came out.
        kills: processes that were killed on the way.
    """

    seconds: float
    driver_mib: float
    all_mib: float
    digest: str
    kills: int = 0


class Watched:
    """Commands while they run: their memory, and that of everything they begin."""

    def __init__(self) -> None:
        self.driver = self.all = 0.0
        self._processes: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def begin(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Begin a command of crossspace."""
        process = subprocess.Popen([*_PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._processes.append(process)
        return process

    def run(self, *commands: Sequence[str]) -> None:
        """Run commands side by side to their end."""
        for process in [self.begin(words) for words in commands]:
            _, said = process.communicate()
            if process.returncode:
                raise SystemExit(f"{process.args}: exit status {process.returncode}\n{said.decode()}")

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            alive = [p for p in self._processes if p.poll() is None]
            own = [_pss(p.pid) for p in alive]
            below = [child.pid for p in alive for child in _children(p.pid)]
            self.driver = max(self.driver, *own, 0.0)
            self.all = max(self.all, sum(own) + sum(map(_pss, below)))


def _children(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _pss(pid: int) -> float:
    with suppress(psutil.Error):
        return float(psutil.Process(pid).memory_full_info().pss) / 2**20
    return 0.0


@dataclass(frozen=True)
class Task:
    """Something that is done on every engine.

    Attributes:
        name: of it.
        words: of the command, given where it writes to.
        alone: the words that make it one of three processes of a scheduler, by their number.
        merged: whether their parts have to be merged.
        halfway: whether about half of it stands.
        digest: of what came out.
    """

    name: str
    words: Callable[[Path], list[str]]
    alone: Callable[[int], list[str]]
    merged: bool
    halfway: Callable[[Path], bool]
    digest: Callable[[Path], str]


def ways(task: Task, folder: Path) -> dict[str, Taken]:
    """The task in every way."""
    found = {}
    for way, do in {"local": _local, "three processes": _shards, "ray": _ray, "ray, killed": _killed}.items():
        out = folder / f"{task.name}-{way.replace(', ', '-').replace(' ', '-')}"
        out.mkdir(parents=True)
        watched, began = Watched(), time.monotonic()
        kills = do(task, out, watched)
        seconds = time.monotonic() - began
        watched.close()
        found[way] = Taken(round(seconds, 1), round(watched.driver), round(watched.all), task.digest(out), kills)
        print(f"{task.name}, {way}: {found[way]}", file=sys.stderr, flush=True)
    return found


def _local(task: Task, out: Path, watched: Watched) -> int:
    watched.run([*task.words(out), "--jobs", "2"])
    return 0


def _shards(task: Task, out: Path, watched: Watched) -> int:
    watched.run(*([*task.words(out), *task.alone(number), "--jobs", "1"] for number in (1, 2, 3)))
    if task.merged:
        watched.run(["merge", task.words(out)[-1]])
    return 0


def _ray(task: Task, out: Path, watched: Watched) -> int:
    watched.run([*task.words(out), "--jobs", "2", "--engine", "ray"])
    return 0


def _killed(task: Task, out: Path, watched: Watched) -> int:
    """The driver is killed when about half stands, then an actor of the one that goes on."""
    words = [*task.words(out), "--jobs", "2", "--engine", "ray"]
    process, kills = watched.begin(words), 0
    while not task.halfway(out) and process.poll() is None:
        time.sleep(0.05)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        kills += 1
    process.wait()
    process = watched.begin(words)
    while process.poll() is None:
        actors = [p for p in _children(process.pid) if _is_actor(p)]
        if kills == 1 and len(actors) == 2:
            time.sleep(1.0)  # it is at work then
            with suppress(psutil.Error):
                actors[0].kill()
                kills += 1
        time.sleep(0.1)
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"{words}: exit status {process.returncode}\n{said.decode()}")
    return kills


def _is_actor(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "ray::RayWorker" in " ".join(process.cmdline())  # the node has agents of such names too
    return False


def of_files(pattern: str) -> Callable[[Path], str]:
    """The digest of files of a folder, by their names."""

    def digest(folder: Path) -> str:
        whole = hashlib.sha256()
        files = sorted(folder.glob(pattern))
        for file in files:
            whole.update(str(file.relative_to(folder)).encode() + file.read_bytes())
        return whole.hexdigest() if files else "nothing"

    return digest


def parts_stand(name: str, count: int) -> Callable[[Path], bool]:
    """Whether so many parts of a file stand."""
    return lambda out: len(list((out / f"{name}.parts" / "parts").glob("*.parquet"))) >= count


def shard(number: int) -> list[str]:
    """The share of a process."""
    return ["--shard", f"{number}/3"]


def tasks(texts: Path | None, recording: Path, folder: Path) -> list[Task]:
    """All tasks, with their data made in a folder."""
    manifest = clips(recording, folder / "clips")
    corpus, big, run = folder / "corpus.parquet", folder / "big.parquet", folder / "run"
    quietly(["data", "synthesize", str(corpus), "--train", "60", "--validation", "20", "--test", "40"])
    quietly(["data", "synthesize", str(big), "--train", "1", "--validation", "1", "--test", str(CONVERSATIONS)])
    small = ["--recipe", "css-synthetic", "--training.epochs", "2", "--device", "cpu"]
    quietly(["train", *small, "--data", str(corpus), "--out", str(run)])
    study, space = folder / "study.yaml", folder / "space.yaml"
    variants = {
        f"width-{w}": {"model": {"width": w}, "training": {"learning_rate": 0.001 * w}} for w in range(8, 40, 4)
    }
    base = {"recipe": "css-synthetic", "training": {"epochs": 3}, "model": {"heads": 2}}
    study.write_text(yaml.safe_dump({"base": base, "variants": variants, "reference": "width-8"}))
    space.write_text(yaml.safe_dump({"training.learning_rate": {"low": 0.0005, "high": 0.02, "log": True}}))
    extracting = [
        Task(
            name,
            lambda out, source=source, options=options: [
                *("extract", "--quiet", "--cache", str(out / "cache"), *options, str(source), str(out / "c.parquet"))
            ],
            shard,
            True,
            parts_stand("c.parquet", count),
            of_files("c.parquet"),
        )
        for name, source, options, count in (
            ("clips", manifest, ("--text", "minilm", "--audio", "prosody", "--visual", "none"), CLIPS // 2),
            ("texts", texts, ("--text", "minilm"), 3),
        )
        if source is not None
    ]
    return [
        *extracting,
        Task(
            "predictions",
            lambda out: ["predict", "--quiet", str(run), str(big), "--out", str(out / "p.parquet")],
            shard,
            True,
            parts_stand("p.parquet", 20),
            of_files("p.parquet"),
        ),
        Task(
            "study",
            lambda out: [
                *("study", "run", str(study), "--data", str(corpus), "--seeds", "5", "--device", "cpu"),
                *("--track", "none", "--quiet", "--out", str(out / "study")),
            ],
            lambda number: [],
            False,
            lambda out: len(list(out.glob("study/runs/*/seed-*/result.json"))) >= 20,
            lambda out: of_files("study/runs/*/predictions.parquet")(out) + of_files("study/tables/*.csv")(out),
        ),
        Task(
            "search",
            lambda out: [
                *("tune", "--space", str(space), "--data", str(corpus), "--recipe", "css-synthetic", "--quiet"),
                *("--trials", "40", "--folds", "3", "--training.epochs", "2", "--device", "cpu"),
                *("--threads", "1", "--out", str(out / "search")),
            ],
            lambda number: ["--shared"],
            False,
            lambda out: finished(out / "search") >= 20,
            searched,
        ),
    ]


def clips(recording: Path, folder: Path) -> Path:
    """Clips of a recording's sound, with a transcript each, in a manifest."""
    from crossspace.features.media import open_media
    from crossspace.features.media.audio import read_audio

    folder.mkdir(parents=True)
    media = open_media(recording)
    ((_, samples),) = read_audio(media, [(0.0, media.duration)], notes=[])
    lines, width = ["media,transcript"], int(16_000 * SECONDS)
    for number, start in enumerate(np.linspace(0, len(samples) - width, CLIPS).astype(int)):
        with wave.open(str(folder / f"clip{number:03d}.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes((np.clip(samples[start : start + width], -1, 1) * 32767).astype("<i2").tobytes())
        (folder / f"clip{number:03d}.srt").write_text(
            f"1\n00:00:00,000 --> 00:00:01,400\nA: what is said in clip {number}\n\n"
            f"2\n00:00:01,500 --> 00:00:02,900\nB: and the answer number {number}\n"
        )
        lines.append(f"clip{number:03d}.wav,clip{number:03d}.srt")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"


def finished(folder: Path) -> int:
    """Trials of a search that have ended."""
    import sqlite3

    with suppress(sqlite3.Error):
        connection = sqlite3.connect(f"file:{folder / 'study.db'}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0])
        finally:
            connection.close()
    return 0


def searched(out: Path) -> str:
    """A digest of the table of trials and of the best."""
    from crossspace.tune.trials import Trials

    trials = Trials(out / "search").finished()
    table = [
        (t.number, t.state.name, t.value, t.user_attrs.get("arguments"), t.user_attrs.get("scores")) for t in trials
    ]
    lines = (out / "search" / "best.yaml").read_text().splitlines(True)
    # Not where it was found.
    best = "".join(line for line in lines if str(out) not in line and not line.startswith("data:"))
    return hashlib.sha256((json.dumps(sorted(table)) + best).encode()).hexdigest()


def quietly(words: Sequence[str]) -> None:
    """Run a command, and show what it says only where it fails."""
    done = subprocess.run([*_PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def main() -> None:
    """Do every task in every way, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", type=Path, required=True, help="a recording with sound, of which clips are cut")
    parser.add_argument("--texts", type=Path, help="a table of dialogues, or a folder of such")
    parser.add_argument("--out", type=Path, required=True, help="folder to work in, new")
    parser.add_argument("--only", nargs="*", help="names of tasks: clips, texts, predictions, study, search")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    options.out.mkdir(parents=True)
    found, equal = {}, True
    print("| task | way | seconds | to local | driver, MiB | all, MiB | kills | equal to local |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for task in tasks(options.texts, options.recording, options.out):
        if options.only and task.name not in options.only:
            continue
        found[task.name] = {way: asdict(taken) for way, taken in ways(task, options.out).items()}
        local = found[task.name]["local"]
        for way, taken in found[task.name].items():
            same = taken["digest"] == local["digest"] and "nothing" not in taken["digest"]
            equal = equal and same
            ratio = taken["seconds"] / local["seconds"]
            print(
                f"| {task.name} | {way} | {taken['seconds']} | {ratio:.2f} | {taken['driver_mib']:.0f} | "
                f"{taken['all_mib']:.0f} | {taken['kills']} | {'yes' if same else 'NO'} |",
                flush=True,
            )
    about = {"machine": platform.processor() or platform.machine(), "processors": os.cpu_count()}
    (options.out / "engines.json").write_text(json.dumps({**about, "tasks": found}, indent=2) + "\n")
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
