"""``python -m benchmarks.kills``: what is killed at random times and run again ends as it would have undisturbed.

``train``, ``study`` and ``tune`` work on a generated corpus, ``finetune`` on one with texts, ``extract`` on copies of a
recording, which is given with its transcript. :func:`killed_until_it_ends` does the same to any command that goes on
after an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

PATIENCE = 15.0
"""Seconds in which processes must have ended after the one that started them was killed."""


@dataclass
class Kills:
    """What came of a command that was killed again and again.

    Attributes:
        after: seconds after which each kill came.
        orphans: processes that were still alive :data:`PATIENCE` seconds after a kill.
        ended: how often the command ended by itself before its kill came; it was then begun anew.
        code: the exit status of the last run, which nobody killed.
        said: the end of what that run wrote.
    """

    after: list[float] = field(default_factory=list)
    orphans: int = 0
    ended: int = 0
    code: int = 0
    said: str = ""


def killed_until_it_ends(
    command: Sequence[str], kills: int, longest: float, *, seed: int = 0, begin_anew: Callable[[], None] = lambda: None
) -> Kills:
    """Run a command, kill it (SIGKILL) at a random time, run it again, and so on; then let it end.

    Args:
        command: goes on where it was interrupted.
        kills: how many.
        longest: seconds; a kill comes before.
        seed: of the times.
        begin_anew: makes the command begin from nothing, called where it ended before its kill.
    """
    found, draw = Kills(), random.Random(seed)
    while len(found.after) < kills:
        process = _started(command)
        seconds = draw.uniform(0, longest)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            found.after.append(seconds)
            found.orphans += _orphans(process.pid)
        else:
            found.ended += 1
            begin_anew()
    process = _started(command)
    found.said = process.communicate()[0][-500:]
    found.code = process.returncode
    return found


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    """In a group of its own, by which those it starts are found."""
    return subprocess.Popen(
        list(command), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def _orphans(group: int) -> int:
    """How many of a group outlive it; they are ended."""
    deadline = time.monotonic() + PATIENCE
    while alive := _members(group):
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            return len(alive)
        time.sleep(0.05)
    return 0


def _members(group: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                found.append(int(path.parent.name))
    return found


def extraction(media: Path, transcript: Path, kills: int, copies: int, jobs: int, seed: int) -> dict[str, object]:
    """An extraction of copies of a recording, once undisturbed and once with kills."""
    from crossspace.data.corpus import Corpus

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = ["media,transcript,conversation_id"]
        for i in range(copies):
            # Other bytes at the end make another recording of it, which no cache knows.
            (folder / f"{i}{media.suffix}").write_bytes(media.read_bytes() + bytes([i]))
            rows.append(f"{i}{media.suffix},{transcript.resolve()},talk{i}")
        (folder / "manifest.csv").write_text("\n".join(rows) + "\n")

        def command(out: str) -> list[str]:
            words = [str(folder / "manifest.csv"), str(folder / out / "corpus.parquet")]
            options = ["--cache", str(folder / out / "cache"), "--jobs", str(jobs), "--quiet"]
            return [sys.executable, "-m", "crossspace", "extract", *words, *options]

        began = time.monotonic()
        subprocess.run(command("whole"), check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        found = killed_until_it_ends(
            command("killed"),
            kills,
            seconds,
            seed=seed,
            begin_anew=lambda: shutil.rmtree(folder / "killed", ignore_errors=True),
        )
        whole, killed = (Corpus.read(folder / out / "corpus.parquet").fingerprint for out in ("whole", "killed"))
        left = sorted(
            path.name for path in (folder / "killed").iterdir() if path.name not in ("corpus.parquet", "cache")
        )
        left += [
            path.name for path in (folder / "killed" / "cache").iterdir() if not path.name.startswith("features.sqlite")
        ]
    return {**asdict(found), "seconds_undisturbed": seconds, "same": whole == killed, "left": left}


_SPACE = "model.dropout: {low: 0.0, high: 0.5}\ntraining.learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}\n"
_SMALL = ["--model.width", "16", "--model.heads", "2", "--model.fusion.rank", "8", "--device", "cpu"]
_STUDY = """variants:
  one: {model: {fusion: {order: 1}}}
  two: {model: {fusion: {order: 2}}}
  three: {balancer: {name: fixed}}
"""
_COMPARED = {
    "train": ("seed-*/model.safetensors", "results.json", "predictions.parquet", "history.jsonl"),
    "study": ("runs/*/seed-*/model.safetensors", "runs/*/results.json", "tables/*"),
    "tune": ("best.yaml",),
    "finetune": ("seed-*/*/*.safetensors", "seed-*/features.parquet", "predictions.parquet", "results.json"),
}


def training(kind: str, kills: int, seed: int) -> dict[str, object]:
    """A training, a study or a search, once undisturbed and once with kills."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = [sys.executable, "-m", "crossspace"]
        corpus = str(folder / "corpus.parquet")
        if kind == "finetune":
            _write_texts(corpus)
        else:
            subprocess.run([*program, "data", "synthesize", corpus], check=True, stdout=subprocess.DEVNULL)
        (folder / "space.yaml").write_text(_SPACE)
        (folder / "study.yaml").write_text(_STUDY)

        def command(out: str) -> list[str]:
            common = ["--data", corpus, "--out", str(folder / out), "--quiet", *_SMALL]
            if kind == "train":
                return [*program, "train", "--resume", "--seeds", "2", "--training.epochs", "12", *common]
            if kind == "finetune":
                options = ["--folds", "2", "--layers", "3", "--epochs", "4", "--jobs", "2", "--quiet"]
                return [*program, "finetune", corpus, "--out", str(folder / out), *options]
            if kind == "study":
                counts = ["--seeds", "2", "--jobs", "2", "--training.epochs", "4"]
                return [*program, "study", "run", str(folder / "study.yaml"), *counts, *common]
            search = ["--space", str(folder / "space.yaml"), "--trials", "6", "--folds", "2", "--training.epochs", "4"]
            return [*program, "tune", *search, *common]

        began = time.monotonic()
        subprocess.run(command("whole"), check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        # A kill in the first seconds, while libraries are imported, shows little: most come later, and all add up.
        found = killed_until_it_ends(
            command("killed"),
            kills,
            min(seconds, 20.0),
            seed=seed,
            begin_anew=lambda: shutil.rmtree(folder / "killed", ignore_errors=True),
        )
        other = _other(kind, folder / "whole", folder / "killed")
        left = [p.name for p in (folder / "killed").rglob("*") if p.name in (".lock", ".holder.json", "checkpoint.pt")]
        left += [p.name for p in (folder / "killed").rglob("*.partial")]
    return {**asdict(found), "seconds_undisturbed": seconds, "same": not other, "other": other, "left": left}


def _write_texts(path: str) -> None:
    """A corpus of a hundred conversations whose words go with their labels."""
    from crossspace.data.conversation import Conversation, Utterance
    from crossspace.data.corpus import Corpus
    from crossspace.data.task import TaskSpec

    words = {"joy": "what a lovely day", "anger": "stop that at once", "calm": "it is on the table"}
    draw = random.Random(0)
    parts: dict[str, list[Conversation]] = {"train": [], "validation": [], "test": []}
    for number in range(100):
        said = []
        for place in range(8):
            label = draw.choice(list(words))
            said.append(
                Utterance(f"{number}-{place}", "AB"[place % 2], f"{words[label]}, {number} {place}", label=label)
            )
        split = "test" if number % 10 == 0 else "validation" if number % 10 == 1 else "train"
        parts[split].append(Conversation(f"{number:03d}", tuple(said)))
    Corpus(parts, TaskSpec(tuple(words), {"text": 1})).write(path)


def _other(kind: str, whole: Path, killed: Path) -> list[str]:
    """What the two do not have in common."""
    names = sorted({str(p.relative_to(f)) for f in (whole, killed) for glob in _COMPARED[kind] for p in f.glob(glob)})
    found = [n for n in names if not all((f / n).is_file() for f in (whole, killed))]
    found += [n for n in names if n not in found and _content(whole / n) != _content(killed / n)]
    if kind == "tune":
        from crossspace.tune.trials import Trials

        runs = [[(t.number, t.params, t.value, t.user_attrs) for t in Trials(f).finished()] for f in (whole, killed)]
        found += ["trials"] if runs[0] != runs[1] else []
    return found


def _content(path: Path) -> object:
    """What a file says; how long an epoch took is nobody's result."""
    if path.suffix != ".jsonl":
        return path.read_bytes()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def main(words: Sequence[str] | None = None) -> int:
    """Kill."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("kind", choices=("train", "study", "tune", "finetune", "extract"), help="what is killed")
    parser.add_argument("media", type=Path, nargs="?", help="extract: a recording")
    parser.add_argument("transcript", type=Path, nargs="?", help="extract: its transcript")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--copies", type=int, default=6, help="extract: recordings that are made of it")
    parser.add_argument("--jobs", type=int, default=2, help="extract: processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("kills.json"))
    given = parser.parse_args(words)
    if given.kind == "extract":
        if given.media is None or given.transcript is None:
            parser.error("extract needs a recording and its transcript")
        found = extraction(given.media, given.transcript, given.kills, given.copies, given.jobs, given.seed)
    else:
        found = training(given.kind, given.kills, given.seed)
    print(
        f"{given.kills} kills of {given.kind}, {found['seconds_undisturbed']:.1f} s undisturbed: "
        f"{'the same' if found['same'] else 'ANOTHER'} result, {found['orphans']} processes and "
        f"{len(found['left'])} files left"  # type: ignore[arg-type]
    )
    given.out.write_text(json.dumps({"machine": platform.platform(), **found}, indent=2) + "\n")
    return 0 if found["same"] and not found["orphans"] and not found["left"] else 1


if __name__ == "__main__":
    sys.exit(main())
