"""A model on disk: its description and its weights, which are held against each other when they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from crossspace.building import uninitialised, without_storage
from crossspace.components import origin_of
from crossspace.components.saved import check_version, class_of
from crossspace.data.details import check_details
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, MismatchError, UsageError
from crossspace.reading import check_format, reading
from crossspace.runtime import replacing, write_text

if TYPE_CHECKING:
    from crossspace.models.base import Model

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_DIGESTS = "sha256"
"""One key alone: the library writes several in an order that changes from one process to the next."""
_FORMAT = 1
_USUAL = "Give the folder of a run, or one of its seed-<n> folders."
_AGAIN = "Copy the folder again or train again."


def write_model(model: Model, folder: Path, weights: Mapping[str, Tensor] | None = None) -> None:
    """Write ``config.json`` and ``model.safetensors`` to ``folder``, each whole or not at all."""
    config = {
        "format": _FORMAT,
        "model": model.name,
        "spec": model.task.to_dict(),
        "arguments": model.arguments,
        "details": model.details,
    }
    origin = origin_of(type(model))
    if origin is not None:
        config["source"] = origin.to_dict()
    weights = {k: v.detach().cpu().contiguous() for k, v in (weights or model.state_dict()).items()}
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(save(weights, metadata={_DIGESTS: digests(weights, config)}))
    write_text(folder / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def load_model(config_path: Path, weights_path: Path) -> Model:
    """Build a saved model and put it into evaluation mode.

    Raises:
        DataError: a file is missing, damaged, changed since it was written, or of an unknown format.
        MismatchError: the weights are not those of the described model.
        UsageError: its class is from outside of the package and not imported; nothing is imported here.

    Warns:
        CrossspaceWarning: its class is imported in another version than the model was saved with.
    """
    config, kind, task = _description(config_path)
    check_version(config, kind)  # first: another version explains whatever does not fit below
    weights, stated = _weights(weights_path)
    with reading(config_path, "the description of a saved crossspace model", _USUAL) as place:
        place.at = "arguments"
        digest = digests(weights, config)
        if digest != stated:  # what may be forged shall not fill the memory before it is known not to fit
            with without_storage():
                _check_shapes(_built(kind, task, config, config_path), weights, weights_path, config_path)
        if stated is not None and digest != stated:  # models of earlier releases state none
            path = config_path if digest.split()[0] == stated.split()[0] else weights_path
            raise DataError(f"{path} was changed or damaged since the model was saved. {_AGAIN}")
        with uninitialised():
            model = _built(kind, task, config, config_path)
        _check_shapes(model, weights, weights_path, config_path)
        model.load_state_dict(weights)
        model.details = config.get("details", {})
    broken = [name for name, values in weights.items() if not torch.isfinite(values).all()]
    if broken:
        raise DataError(f"{weights_path}: weights should be finite numbers. Found others in {broken[0]!r}. {_AGAIN}")
    return model.eval()


def _description(path: Path) -> tuple[dict[str, Any], type[Model], TaskSpec]:
    from crossspace.models import MODELS

    with reading(path, "the description of a saved crossspace model", _USUAL):
        config = json.loads(path.read_text(encoding="utf-8"))
        check_format(config.get("format"), _FORMAT, f"{path} (a saved model)")
        kind, task = class_of(config, MODELS, path), TaskSpec.from_dict(config["spec"])
        check_details(config.get("details", {}))
        return config, kind, task


def _weights(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """The weights, and the digests that stand in their head."""
    with reading(path, "the weights of a model (safetensors)", _AGAIN):
        weights = load_file(path)
        with safe_open(path, framework="pt") as file:
            return weights, (file.metadata() or {}).get(_DIGESTS)


def _built(build: type[Model], task: TaskSpec, config: Mapping[str, Any], path: Path) -> Model:
    try:
        return build(task, **build.translated(config["arguments"]))
    except UsageError as error:  # of a file, not of what the user wrote
        raise DataError(f"{path} should describe a saved model. Found: {error} Copy the folder again.") from error
    except TypeError as error:  # Python's own refusal of names that a signature does not have
        if origin_of(build) is None:
            raise
        raise DataError(
            f"{path}: the model was saved with {sorted(config['arguments'])}, and {build.__qualname__} of "
            f"{origin_of(build)} is not built with them: {error}. Import the code that the model was trained with."
        ) from error


def digests(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> str:
    """SHA-256 of the weights (by name, type, shape and bytes) and that of the description, for the head of the weights.

    They stand in the one file, so that no kill can come between the weights and their digest.
    """
    digest = hashlib.sha256()
    for name, values in sorted(weights.items()):
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    described = json.dumps(config, sort_keys=True, ensure_ascii=True)
    return f"{digest.hexdigest()} {hashlib.sha256(described.encode()).hexdigest()}"


def _check_shapes(model: Model, state: Mapping[str, Tensor], weights_path: Path, config_path: Path) -> None:
    """Raise :class:`MismatchError` unless these are the weights of this model."""
    expected = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    shapes = {name: tuple(values.shape) for name, values in state.items()}
    other = [name for name in dict.fromkeys([*expected, *shapes]) if expected.get(name) != shapes.get(name)]
    if other:
        name = other[0]
        raise MismatchError(
            f"{weights_path} does not fit the model described in {config_path}: {name} should be "
            f"{expected.get(name, 'absent')}. Found {shapes.get(name, 'nothing')}; {len(other)} differ in all. Put the "
            "two files of one model side by side."
        )
