"""``python -m benchmarks.longest``: memory of a training step on one long conversation, by model.

Each model with the settings of its recipe for IEMOCAP and random features of that shape, in a process of its own: one
forward pass, its losses with equal weights, one backward pass.
"""

from __future__ import annotations

import argparse
import subprocess

import torch

from benchmarks.agreement import loss_parts
from benchmarks.corpus import random_batch, task
from benchmarks.memory import peak, peak_of
from crossspace.configuration import make_configuration
from crossspace.errors import CrossspaceError
from crossspace.recipes import read_recipe, recipe_names

MODULE = "benchmarks.longest"
ENDING = "-iemocap"
UTTERANCES = 2_000


def take_a_step(name: str, utterances: int) -> None:
    """One step, and the peak of this process in MiB."""
    tree = read_recipe(f"{name}{ENDING}")
    configuration = make_configuration(tree, f"{name}{ENDING}")
    spec = task()
    torch.manual_seed(0)
    model = configuration.build_model(spec).train()
    batch = random_batch([utterances], spec)
    losses = loss_parts(model.objectives(), model(batch), batch)
    sum(losses.values(), torch.zeros(())).backward()
    print(peak())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.longest", description=__doc__)
    parser.add_argument("--utterances", type=int, default=UTTERANCES)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        return take_a_step(given.step, given.utterances)
    for recipe in sorted(name for name in recipe_names() if name.endswith(ENDING)):
        name = recipe.removesuffix(ENDING)
        try:
            peak_mib = peak_of(MODULE, "--step", name, "--utterances", str(given.utterances))
        except (subprocess.CalledProcessError, CrossspaceError) as error:
            print(f"{name}: {error}")
        else:
            print(f"{name}: {peak_mib:,.0f} MiB for one conversation of {given.utterances:,} utterances")


if __name__ == "__main__":
    main()
