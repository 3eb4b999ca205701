"""One process of several machines: ``torchrun ... -m tests.training.on_nodes CORPUS FOLDER`` trains in float64.

Without torchrun it is the only one. With a number of epochs behind them it ends after so many, as if it were killed.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from crossspace.balance import ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.corpus import Corpus
from crossspace.models import MODELS
from crossspace.runtime import seed_everything
from crossspace.training import order, trainer
from crossspace.training.devices import Devices
from crossspace.training.event import Event
from crossspace.training.options import TrainingOptions

OPTIONS = TrainingOptions(epochs=3, batch_size=4, learning_rate=0.01)


class Killed(Exception):
    """The training is left as a kill would leave it."""


def main(corpus: str, folder: str, steps: int | None = None) -> None:
    """Train to the end, or until so many steps were taken."""
    real = trainer.batch_of

    def in_double(*words: object) -> Batch:
        batch = real(*words)  # type: ignore[arg-type]
        return replace(batch, features={m: x.double() for m, x in batch.features.items()})

    for module in (trainer, order):
        module.batch_of = in_double  # type: ignore[attr-defined]
    taken: list[Event] = []

    def on_event(event: Event) -> None:
        taken.append(event)
        if steps is not None and len(taken) == steps:
            raise Killed

    torch.set_num_threads(1)
    fabric = Devices("cpu").fabric(OPTIONS.precision)
    read = Corpus.read(corpus)
    seed_everything(0)
    model = MODELS["css"](read.spec, width=8, heads=2, dropout=0.0).double()
    Path(folder).mkdir(parents=True, exist_ok=True)
    one = trainer.Trainer(
        fabric,
        read,
        model,
        ParetoGradientModulator(),
        OPTIONS,
        Path(folder),
        0,
        on_event=on_event,
        checkpoint_seconds=0,
    )
    one.fit()
    torch.save(
        {"weights": one.model.state_dict(), "world": fabric.world_size}, Path(folder) / f"{fabric.global_rank}.pt"
    )


if __name__ == "__main__":
    main(*sys.argv[1:3], *(int(word) for word in sys.argv[3:]))
