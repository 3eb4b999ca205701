"""The arguments of CSS as releases wrote them in which it had no parts: all side by side.

Saved models, run folders, and YAML of users may hold them. This is the only place that knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.models.css.corruption import CORRUPTION
from crossspace.models.css.interaction import INTERACTION
from crossspace.models.css.losses import LOSSES
from crossspace.nn.encoders import ENCODER
from crossspace.nn.fusion import FUSION
from crossspace.parts import Part

MOVED: Mapping[str, str] = {
    "encoder": "encoder.name",
    "encoder_norm": "encoder.first_norm",
    "layers": "encoder.layers",
    "input_swap": "corruption.swap",
    "input_noise": "corruption.noise",
    "input_dropout": "corruption.dropout",
    "interaction_gate": "interaction.gate",
    "interaction_project_sources": "interaction.project_sources",
    "interaction_residual": "interaction.residual",
    "interaction_shared": "interaction.shared",
    "fusion": "fusion.name",
    "order": "fusion.order",
    "rank": "fusion.rank",
    "fusion_width": "fusion.inner_width",
    "fusion_shared": "fusion.shared",
    "fusion_residual": "fusion.residual",
    "fusion_root": "fusion.root",
    "fusion_gelu": "fusion.gelu",
    "fusion_gate_init": "fusion.gate_init",
    "losses": "losses.use",
    "temperature": "losses.temperature",
    "detach_teacher": "losses.detach_teacher",
    "smoothing": "losses.smoothing",
}
"""``{argument: where it is now}``; every other argument has kept its name."""

_PARTS: Mapping[str, Part] = {
    "encoder": ENCODER,
    "corruption": CORRUPTION,
    "interaction": INTERACTION,
    "fusion": FUSION,
    "losses": LOSSES,
}
_WHOLE = {"encoder", "encoder_norm", "order", "rank", "fusion", "fusion_root", "fusion_gelu", "fusion_gate_init"}
"""The program wrote all of them into every configuration, whatever encoder and fusion operator were chosen."""


def translate(arguments: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with those of old names in the parts where they are now.

    A part that is also written in its new form is left alone, and so are the old names that belong to it. Of a whole
    configuration that the program wrote, what the chosen encoder or fusion operator never looked at falls away.
    """
    result = dict(arguments)
    for place, part in _PARTS.items():
        old = {name: to.partition(".")[2] for name, to in MOVED.items() if to.partition(".")[0] == place}
        old = {name: option for name, option in old.items() if name in arguments}
        new_form = isinstance(arguments.get(place), Mapping) or any(name.startswith(f"{place}.") for name in arguments)
        if not old or new_form or (set(old) == {place} and isinstance(arguments[place], str)):
            continue
        stated = {option: result.pop(name) for name, option in old.items()}
        if place == "fusion":
            stated |= _budget(stated, part.stated(earlier.get(place)))
        if arguments.keys() >= _WHOLE:
            known = {"name", *part.options(_name(part, stated))}
            stated = {option: value for option, value in stated.items() if option in known}
        result[place] = stated
    return result


def _name(part: Part, stated: Mapping[str, Any]) -> str:
    name = part.name_of(stated)
    return name if isinstance(name, str) and name in part.kinds else part.usual  # others are refused later


def _budget(stated: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Order and rank of the SPF whose size is the budget: they were those of the model."""
    if stated.get("inner_width") != "budget":
        return {}
    both = {**earlier, **stated}
    return {f"budget_{name}": both[name] for name in ("order", "rank") if name in both}
