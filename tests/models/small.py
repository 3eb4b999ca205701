"""Every model at sizes at which it is built and trained in a moment; a new one needs no entry."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints

from crossspace.data.task import TaskSpec
from crossspace.models import Model

_SIZES = {
    **{"width": 8, "heads": 2, "fusion": {"order": 2, "rank": 4}},
    "input_dropout": 0.2,
    "feed_forward": 16,
    **{"modulation_start": 1, "window": 8, "hops": 2},
    "corruption": {"dropout": 0.2},
    **{"graph_width": 6, "layers": 2},
    **{"global_width": 7, "party_width": 6, "emotion_width": 5, "head_width": 4},
}


def small(kind: type[Model], task: TaskSpec, **arguments: object) -> Model:
    """A model of the kind; sizes and arguments that it does not know are left out, others stay at their defaults."""
    known = inspect.signature(kind).parameters
    return kind(task, **{k: v for k, v in {**_SIZES, **arguments}.items() if k in known})


def variants(kind: type[Model]) -> dict[str, dict[str, Any]]:
    """By what is different, the arguments of the kind with each other choice of a few, and with all that is off on."""
    parameters, types = inspect.signature(kind).parameters, get_type_hints(kind.__init__)
    found = {
        f"{name} {value}": {name: value}
        for name, parameter in parameters.items()
        for value in get_args(types.get(name))
        if isinstance(value, str) and value != parameter.default
    }
    switched = {name: True for name, parameter in parameters.items() if parameter.default is False}
    return {**found, "with all switches on": switched} if switched else found
