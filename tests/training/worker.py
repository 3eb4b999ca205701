"""Trains for two steps on a share of every batch; run by itself it is one of several processes.

``python -m tests.training.worker RANK WORLD STORE OUT`` writes what became of every case to ``OUT/<rank>.pt``.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from crossspace.balance import (
    FAMO,
    IMTLL,
    Balancer,
    DynamicWeightAverage,
    FixedWeights,
    NashMTL,
    ParetoGradientModulator,
    RandomWeights,
    UncertaintyWeights,
)
from crossspace.batching.batch import Batch
from crossspace.components import load, registry
from crossspace.data.task import UNLABELLED, TaskSpec
from crossspace.errors import UsageError
from crossspace.models import MODELS, Model
from crossspace.training.processes import reducer
from crossspace.training.step import TrainingStep
from tests.models.chance import without_chance
from tests.models.small import small, variants
from tests.training.example import Example

# The model of a file outside of the package comes in as such code does, and leaves no name behind for other tests.
_before = dict(registry.OUTSIDE)
Mine = load(Path(__file__).parents[1] / "components" / "stranger.py").Mine
registry.OUTSIDE.clear()
registry.OUTSIDE.update(_before)

LENGTHS = (6, 1, 4, 3, 2)
TASK = TaskSpec(("joy", "anger", "calm"), {"text": 8, "audio": 3, "visual": 2}, speakers=2)
SHARES = {"even": ([0, 4], [1, 2, 3]), "uneven": ([0, 1, 2, 3], [4]), "empty": ([0, 1, 2, 3, 4], [])}
"""Of two processes; ``either`` is uneven in the first step, and has an empty one in the second."""
CSS = ("css", {"width": 8, "heads": 2, "fusion": {"order": 2, "rank": 3}, "dropout": 0.0})
EXAMPLE, NORM, CONTRAST = ("example", {"unreached": True}), ("example", {"norm": True}), ("example", {"contrast": True})
MODULATED, STRANGER = ("example", {"modulated": True}), ("mine", {})
PGM, REPRESENTATION = ParetoGradientModulator(), ParetoGradientModulator(space="representation")
Case = tuple[tuple[str, Mapping[str, Any]], Balancer, str]
PARTICULAR: dict[str, Case] = {
    "pgm even": (CSS, PGM, "even"),
    "pgm uneven": (CSS, PGM, "uneven"),
    "pgm empty": (CSS, PGM, "empty"),
    "unit": (CSS, ParetoGradientModulator(apply="unit"), "uneven"),
    "representation even": (CSS, REPRESENTATION, "even"),
    "representation uneven": (CSS, REPRESENTATION, "uneven"),
    "representation empty": (CSS, REPRESENTATION, "empty"),
    "every second": (CSS, ParetoGradientModulator(every=2), "uneven"),
    "fixed uneven": (CSS, FixedWeights([1.0, 0.5, 2.0]), "uneven"),
    "fixed empty": (CSS, FixedWeights(), "empty"),
    "nash-mtl uneven": (CSS, NashMTL(), "uneven"),
    "uncertainty uneven": (CSS, UncertaintyWeights(learning_rate=0.1), "uneven"),
    "dwa uneven": (CSS, DynamicWeightAverage(), "uneven"),
    "imtl-l uneven": (CSS, IMTLL(learning_rate=0.1), "uneven"),
    "random uneven": (CSS, RandomWeights(), "uneven"),
    "famo uneven": (CSS, FAMO(learning_rate=0.1), "uneven"),
    "famo empty": (CSS, FAMO(learning_rate=0.1), "empty"),
    "norm famo uneven": (NORM, FAMO(learning_rate=0.1), "uneven"),
    "micro-batches famo uneven": (CSS, FAMO(learning_rate=0.1), "uneven"),
    "recurrent empty": (("css", {**CSS[1], "encoder": "gru"}), PGM, "empty"),
    "further tensors pgm uneven": (EXAMPLE, PGM, "uneven"),
    "further tensors pgm empty": (EXAMPLE, PGM, "empty"),
    "further tensors representation uneven": (EXAMPLE, REPRESENTATION, "uneven"),
    "further tensors representation empty": (EXAMPLE, REPRESENTATION, "empty"),
    "further tensors fixed uneven": (EXAMPLE, FixedWeights(), "uneven"),
    "contrast pgm uneven": (CONTRAST, PGM, "uneven"),
    "contrast pgm empty": (CONTRAST, PGM, "empty"),
    "contrast representation uneven": (CONTRAST, REPRESENTATION, "uneven"),
    "contrast fixed even": (CONTRAST, FixedWeights(), "even"),
    "contrast fixed empty": (CONTRAST, FixedWeights(), "empty"),
    "norm pgm uneven": (NORM, PGM, "uneven"),
    "norm pgm empty": (NORM, PGM, "empty"),
    "norm representation uneven": (NORM, REPRESENTATION, "uneven"),
    "norm fixed empty": (NORM, FixedWeights(), "empty"),
    "modulated pgm uneven": (MODULATED, PGM, "uneven"),
    "modulated fixed empty": (MODULATED, FixedWeights(), "empty"),
    "micro-batches pgm uneven": (CSS, PGM, "uneven"),
    "micro-batches pgm empty": (EXAMPLE, PGM, "empty"),
    "micro-batches representation uneven": (EXAMPLE, REPRESENTATION, "uneven"),
    "micro-batches fixed empty": (CSS, FixedWeights(), "empty"),
    "micro-batches modulated uneven": (MODULATED, PGM, "uneven"),
    "outside pgm uneven": (STRANGER, PGM, "uneven"),
    "outside pgm empty": (STRANGER, PGM, "empty"),
    "micro-batches outside pgm uneven": (STRANGER, PGM, "uneven"),
}


def _of_every_model() -> dict[str, Case]:
    """Every model at its defaults, and with each choice that it offers."""
    cases: dict[str, Case] = {}
    for name, kind in sorted(MODELS.box.items()):
        cases[f"{name} pgm"] = ((name, {}), PGM, "either")
        cases[f"{name} fixed"] = ((name, {}), FixedWeights(), "either")
        cases |= {f"{name} {k}": ((name, chosen), FixedWeights(), "uneven") for k, chosen in variants(kind).items()}
    return cases


CASES = {**PARTICULAR, **_of_every_model()}
EVERY_MODEL = [case for case in CASES if case not in PARTICULAR and not case.endswith(" pgm")]
"""Of the cases, each model and each of its choices once."""


def build(case: str) -> Model:
    """The model of a case, in float64."""
    (name, arguments), _, _ = CASES[case]
    torch.manual_seed(0)
    kind = {**MODELS.box, "example": Example, "mine": Mine}[name]
    model = (kind(TASK, **arguments) if case in PARTICULAR else small(kind, TASK, **arguments)).double()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)  # zeros and copies, as there are at first, would hide much
    model.prepare([batch(range(len(LENGTHS)), 0)])
    if case not in PARTICULAR:
        # Every process draws other numbers; those that are to be the same are drawn by the particular cases.
        model.encode, model.decode = without_chance(model.encode), without_chance(model.decode)
    return model


def batch(conversations: Sequence[int], number: int) -> Batch:
    random = torch.Generator().manual_seed(number)
    rows = sum(LENGTHS)
    present = {m: torch.rand(rows, generator=random) < 0.7 for m in TASK.widths}
    features = {m: torch.randn(rows, d, generator=random, dtype=torch.float64) for m, d in TASK.widths.items()}
    labels = torch.randint(3, (rows,), generator=random)
    labels = torch.where(torch.rand(rows, generator=random) < 0.2, UNLABELLED, labels)
    speakers = torch.randint(3, (rows,), generator=random)
    parts = torch.arange(rows).split(LENGTHS)
    mine = torch.cat([parts[c] for c in conversations] or [torch.arange(0)])
    return Batch(
        features={m: x[mine] for m, x in features.items()},
        present={m: p[mine] for m, p in present.items()},
        lengths=torch.tensor([LENGTHS[c] for c in conversations], dtype=torch.long),
        speakers=speakers[mine],
        labels=labels[mine],
        sentiments=torch.where(labels < 0, UNLABELLED, labels)[mine],
    )


def train(case: str, rank: int | None = None) -> dict[str, object]:
    """What one process, or without a rank a single one with the whole batch, ends with."""
    _, balancer, shares = CASES[case]
    model = build(case)
    # Where a gradient should be zero it is a rounding error, which a smaller `eps` would make a step of.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, eps=1e-4, weight_decay=1e-3, fused=True)
    weights = torch.tensor([0.5, 2.0, 1.0])
    balancer = copy.deepcopy(balancer)  # some remember
    step = TrainingStep(model, balancer, optimizer, class_weights=weights, clip=0.5, reduce=reducer())
    records = []
    for number in range(1 if shares == "uneven" and case not in PARTICULAR else 2):
        torch.manual_seed(number)  # as the trainer does: what is drawn for an epoch is the same in every process
        step.begin_epoch(number)
        chosen = ("uneven", "empty")[number] if shares == "either" else shares
        mine = list(range(len(LENGTHS))) if rank is None else SHARES[chosen][rank]
        # Processes may divide their shares differently.
        divided = rank is not None and case.startswith("micro-batches")
        parts = ([mine[:1], mine[1:], []], [mine])[rank] if divided else [mine]
        try:
            records.append(step(*(batch(part, number) for part in parts)))
        except UsageError as error:
            return {"refused": str(error)}
    return {
        "names": list(records[0].names),
        "values": [r.values for r in records],
        "broken": [float(r.broken) for r in records],
        "model": model.state_dict(),
    }


if __name__ == "__main__":
    rank, world, store, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=world, timeout=timedelta(minutes=5)
    )
    torch.save({case: train(case, rank) for case in CASES}, out / f"{rank}.pt")
    dist.destroy_process_group()
