"""Graph models as their authors' released code goes about them, one file per model, to measure against.

Each file holds one function ``released(model: SomeModel, batch: Batch) -> Output``: the same function of the same
parameters, computed over padded batches, lists of edges or adjacencies over a whole batch, as the release does it. What
the release vectorises is vectorised, so that what is compared is the way alone. A file whose model reads several
vectors of a modality says so by ``VECTORS = {modality: how many}``; one that computes losses its own way returns
objectives with parts of the same names from a function ``objectives(model)``. A new file is measured and
tested by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
import typing
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.reference import PaddedBatch
from crossspace.batching.batch import Batch
from crossspace.models.base import Model
from crossspace.objectives.base import Objective
from crossspace.output import Output

_PADDED: weakref.WeakKeyDictionary[Batch, PaddedBatch] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class ReleasedWay:
    """One file of this folder.

    Attributes:
        model: the class whose parameters it uses.
        forward: what it computes from a model and a batch.
        vectors: ``{modality: V}`` where the model reads several vectors.
        objectives: of a model computed this way; its own unless the file says otherwise.
    """

    model: type[Model]
    forward: Callable[[Model, Batch], Output]
    vectors: Mapping[str, int]
    objectives: Callable[[Model], Sequence[Objective]]


def released_ways() -> dict[str, ReleasedWay]:
    """Every file of this folder by the name of its model."""
    ways = {}
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        kind = typing.get_type_hints(module.released)["model"]
        objectives = getattr(module, "objectives", lambda model: model.objectives())
        ways[kind.name] = ReleasedWay(kind, module.released, getattr(module, "VECTORS", {}), objectives)
    return ways


def padded(batch: Batch) -> PaddedBatch:
    """The batch padded with zeros, (B, T, ...); made once, since a release pads where it loads its data."""
    if batch not in _PADDED:
        _PADDED[batch] = PaddedBatch.of(batch)
    return _PADDED[batch]
