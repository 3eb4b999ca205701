"""Whether a model returns what it should: looked at where it returns it, before anything is computed from that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.output import Output


def checked_encoding(model: Model, found: Any) -> dict[str, Tensor]:
    """What ``encode`` returned.

    Raises:
        UsageError: it is no mapping from names to tensors.
    """
    fine = isinstance(found, Mapping) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items())
    if not fine or not found:
        entries = ", ".join(f"{k!r}: {seen(v)}" for k, v in found.items()) if isinstance(found, Mapping) else ""
        raise _refusal(model, "encode", "a dictionary of tensors by name", f"{{{entries}}}" if entries else seen(found))
    return dict(found)


def checked_output(model: Model, found: Any, rows: int) -> Output:
    """What ``decode`` returned for ``rows`` utterances.

    Only types and shapes are looked at, which a device need not be waited for.

    Raises:
        UsageError: it is no :class:`Output`, or its logits are not one floating-point number per utterance and label.
    """
    if not isinstance(found, Output):
        raise _refusal(model, "decode", "an `Output`", seen(found))
    if not isinstance(found.unimodal, Mapping):
        raise _refusal(model, "decode", "logits by modality as `unimodal` of its output", seen(found.unimodal))
    shape = (rows, len(model.task.labels))
    _check_logits(model, "logits", found.logits, shape)
    for modality, logits in found.unimodal.items():
        if modality not in model.task.modalities:
            raise _refusal(
                model, "decode", f"`unimodal` logits of the modalities {list(model.task.modalities)}", repr(modality)
            )
        _check_logits(model, f"unimodal[{modality!r}]", logits, shape)
    return found


def checked_parameters(model: Model, method: str, found: Any) -> list[nn.Parameter]:
    """What ``method`` returned as a list of parameters.

    Raises:
        UsageError: it is something else, or holds what is no parameter of the model.
    """
    own = {id(p) for p in model.parameters()}
    if not isinstance(found, (list, tuple)) or not all(id(p) in own for p in found):
        what = [seen(p) for p in found if id(p) not in own] if isinstance(found, (list, tuple)) else seen(found)
        raise _refusal(model, method, "lists of parameters of the model", str(what))
    return list(found)


def seen(value: Any) -> str:
    """What a value is, for a message: type and shape of a tensor, the type of anything else."""
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return "None" if value is None else f"a {type(value).__name__}"


def _check_logits(model: Model, name: str, logits: Any, shape: tuple[int, int]) -> None:
    if not isinstance(logits, Tensor) or tuple(logits.shape) != shape or not logits.is_floating_point():
        expected = f"floating-point numbers of shape {shape}, utterances by labels, as `{name}` of its output"
        raise _refusal(model, "decode", expected, seen(logits))


def _refusal(model: Model, method: str, expected: str, found: str) -> UsageError:
    where = f"{type(model).__qualname__}.{method}"
    return UsageError(f"Model {model.name!r}: `{method}` should return {expected}. Found {found}. Mend `{where}`.")
