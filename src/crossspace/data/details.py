"""What a saved model says of itself beside its weights, held against what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_details(details: Any) -> None:
    """Raise ValueError unless these are the details of a model, as training and calibration write them."""
    extractors, calibration = details.get("extractors", {}), details.get("calibration", {})
    if not isinstance(calibration, dict):
        raise ValueError("a calibration that is no mapping")
    if not isinstance(extractors, dict) or not all(isinstance(e, dict) for e in extractors.values()):
        raise ValueError("details that are no mappings")
    if not all(isinstance(e.get("parameters") or {}, dict) for e in extractors.values()):
        raise ValueError("parameters of an extractor that are no mapping")
    sizes = details.get("training_sizes", {})
    if not isinstance(sizes, dict) or not all(type(size) is int for size in sizes.values()):
        raise ValueError("sizes of the training conversations that are no numbers")
    if calibration:
        _check_calibration(calibration)


def _check_calibration(stated: Mapping[str, Any]) -> None:
    temperature, below, right = (stated[key] for key in ("temperature", "unsure_below", "right"))
    # Far beyond what is looked for: next to zero, no probability would be a number, and the weights be blamed for it.
    if type(temperature) not in (int, float) or not 0.01 <= temperature <= 100:
        raise ValueError(f"the calibration has the temperature {temperature!r}")
    if not (0 <= below <= 1 and 0 < right < 1):
        raise ValueError(f"the calibration has unsure_below {below!r} for right {right!r}")
