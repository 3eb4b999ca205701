"""What a variant costs: seconds per epoch and per 1,000 utterances, parameters, peak memory.

Trainings of a study run side by side and slow each other down, so costs are measured afterwards: one variant at a
time, each round in a process of its own, variants in turn, and the median over the rounds is reported.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from crossspace.batching.collate import batch_of
from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.inference.infer import batches_of, infer
from crossspace.runtime import seed_everything
from crossspace.training.devices import Devices
from crossspace.training.trainer import Trainer

ROUNDS = 3
_EPOCHS, _SECONDS = 6, 5.0
"""Epochs and seconds of one round, whichever are over first, after one step that warms up."""


@dataclass(frozen=True)
class Cost:
    """One measurement.

    Attributes:
        parameters: of the model, all of them.
        seconds_per_epoch: training only, without the scoring of the validation split.
        seconds_per_1000: inference on the test split, per 1,000 utterances.
        peak_bytes: largest memory of the process that trained (device memory on an accelerator).
        threads: of the process.
    """

    parameters: int
    seconds_per_epoch: float
    seconds_per_1000: float
    peak_bytes: int
    threads: int


def measure(configuration: Configuration, corpus: Corpus, devices: Devices) -> Cost:
    """Train a fresh model for some epochs and let it predict the test split; nothing is kept."""
    fabric = devices.fabric(configuration.training.precision)
    view = configuration.view(corpus)
    # All rounds train the same model on the same batches; what differs is the machine.
    seed_everything(0)
    model = configuration.build_model(view.spec, set(corpus.spec.modalities) - set(view.spec.modalities))
    parameters = sum(p.numel() for p in model.parameters())
    with tempfile.TemporaryDirectory() as folder, devices.limit_threads(parameters):
        trainer = Trainer(
            fabric, view, model, configuration.build_balancer(), configuration.training, Path(folder), seed=0
        )
        first_batch = range(min(configuration.training.batch_size, len(trainer.lengths)))
        trainer.step(batch_of(trainer.corpus, "train", first_batch).to(fabric.device))  # warms up
        training = _median_seconds(trainer.train_epoch)
        batches = [batch_of(view, "test", group) for group in batches_of(view.lengths("test"))]
        utterances = sum(len(batch) for batch in batches)
        # Warms up here too: the first call chooses kernels and takes memory.
        infer(trainer.model, batches[:1])
        inference = _median_seconds(lambda epoch: infer(trainer.model, batches))
        threads = torch.get_num_threads()
    return Cost(parameters, training, 1000 * inference / max(utterances, 1), _peak(fabric.device), threads)


def _median_seconds(work: Callable[[int], Any]) -> float:
    """Median seconds of a few calls, which are given their number: as many as fit into the time, at least one."""
    taken: list[float] = []
    while len(taken) < _EPOCHS and sum(taken) < _SECONDS:
        began = time.perf_counter()
        work(len(taken))
        taken.append(time.perf_counter() - began)
    return median(taken)


def _peak(device: torch.device) -> int:
    # Device memory is what runs out there; that of the host is mostly libraries.
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        # In a started process ru_maxrss may be that of the one that started it; this never is.
        peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        peak = None
    if peak is not None:
        return int(peak[1]) * 1024
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    largest = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return largest if sys.platform == "darwin" else largest * 1024  # macOS counts bytes, others KiB


def middle(rounds: Sequence[Any]) -> dict[str, Any]:
    """The median of every figure over the rounds, and how many rounds there were."""
    plain = [asdict(r) if isinstance(r, Cost) else dict(r) for r in rounds]
    medians = {key: median(r[key] for r in plain) for key in plain[0]}
    return {**medians, "parameters": int(medians["parameters"]), "rounds": len(plain)}
