"""Trains every model twice: undisturbed, and killed within its second epoch and taken up by another process.

``python -m tests.training.killed CORPUS OUT`` leaves ``OUT/<model>/straight`` and ``OUT/<model>/killed`` behind, and
how the processes ended in ``OUT/ends.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
import torch._dynamo  # optimizers import it when the first is made

from crossspace.balance import FixedWeights
from crossspace.data.corpus import Corpus
from crossspace.models import MODELS
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import CHECKPOINT
from crossspace.training.devices import Devices
from crossspace.training.event import Event
from crossspace.training.options import TrainingOptions
from crossspace.training.trainer import Trainer
from tests.models.small import small

OPTIONS = TrainingOptions(epochs=2, batch_size=3, learning_rate=0.01)
DIGEST = "final.txt"


def train(name: str, corpus: Corpus, folder: Path, on_event: Callable[[Event], None] | None = None) -> None:
    """Train to the end, or on from where a training in the folder was ended, and write a digest of the last weights."""
    torch.set_num_threads(1)
    seed_everything(0)
    model = small(MODELS.box[name], corpus.spec)
    folder.mkdir(parents=True, exist_ok=True)
    fabric = Devices("cpu").fabric(OPTIONS.precision)
    options = {"on_event": on_event, "checkpoint_seconds": 0.0}
    Trainer(fabric, corpus, model, FixedWeights(), OPTIONS, folder, 0, **options).fit()
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    (folder / DIGEST).write_text(digest.hexdigest())


def kill_in_the_second_epoch(event: Event) -> None:
    """After the first of its steps."""
    if event.epoch == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def in_another_process(work: Callable[[], None]) -> int:
    """How a fork that does the work ends; it begins with all that is imported, and nothing that was computed."""
    if (process := os.fork()) == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def both(name: str, corpus: Corpus, folder: Path) -> list[int | bool]:
    """Exit codes of the killed process and of the one after it, and whether the first had left a checkpoint."""
    killed = in_another_process(lambda: train(name, corpus, folder / "killed", kill_in_the_second_epoch))
    left = (folder / "killed" / CHECKPOINT).exists()

    def after() -> None:
        train(name, corpus, folder / "straight")
        train(name, corpus, folder / "killed")  # random numbers go on from elsewhere

    return [killed, in_another_process(after), left]


if __name__ == "__main__":
    data, out = Corpus.read(Path(sys.argv[1])), Path(sys.argv[2])
    ends = {name: both(name, data, out / name) for name in sorted(MODELS.box)}
    (out / "ends.json").write_text(json.dumps(ends))
