"""What every model of the toolkit is: built from a task, batch in, logits and representations out."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from huggingface_hub import ModelHubMixin, hf_hub_download
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.building import uninitialised, without_storage
from crossspace.components import origin_of
from crossspace.components.saved import check_version, class_of
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, MismatchError, UsageError
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.modulation import Modulation
from crossspace.output import Output
from crossspace.parts import parts_of
from crossspace.reading import reading
from crossspace.runtime import replacing, write_text

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_DIGESTS = "sha256"
"""One key alone: the library writes several in an order that changes from one process to the next."""


class Model(nn.Module, ModelHubMixin, coders={TaskSpec: (TaskSpec.to_dict, TaskSpec.from_dict)}):
    """Base of all models.

    A subclass is one file of ``crossspace/models``, or one of your own that you name: it takes a :class:`TaskSpec` and
    typed keyword arguments that can be written as JSON, calls ``super().__init__(task)``, and implements :meth:`encode`
    and :meth:`decode`. In the package it appears by itself in ``crossspace list``, in the help and in the contract
    tests.

    The two halves meet in the shared representation. A balancer needs to take gradients there, which is why a model
    says where it is.

    Attributes:
        name: how users call the model.
        citation: the paper it comes from.
        published: ``{corpus: (accuracy, weighted F1)}`` in percent, as the paper of CSS prints them in its Tables 1 and
            2; the epoch was chosen on the test split.
        contextual: False when every utterance is predicted from itself alone, whatever the arguments.
        causal: True when no output depends on a later utterance; then conversations can be read piece by piece, since
            ``batch.layout`` carries a memory to the layers that look at other rows.
        moved: ``{argument of an earlier release: where it is now}``, dotted where it is in a part.
        details: what a prediction needs to know beyond the arguments, such as the extractors of the features.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    published: ClassVar[Mapping[str, tuple[float, float]]] = {}
    contextual: ClassVar[bool] = True
    causal: bool = False
    moved: ClassVar[Mapping[str, str]] = {}

    def __init__(self, task: TaskSpec) -> None:
        super().__init__()
        _ = self.arguments  # refuses what no part has, also in a part that is switched off and never built
        if not task.labels:
            raise UsageError("A model needs at least one label. The task has none: its corpus is not labelled.")
        self.task = task
        self.details: dict[str, Any] = {}

    @abstractmethod
    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The shared representation, and whatever else the objectives need of the encoders.

        Returns:
            ``{modality: (N, d)}`` of every utterance in the context of its conversation, and beside them further
            tensors by names of their own, of any number of rows: per pair, per layer, per conversation.

        Note:
            Training cuts the graph here. :meth:`decode` receives everything returned as new leaves; gradients are taken
            down to these for each objective, added up there, and sent on through the encoders. Therefore:

            * What an objective reads reaches it through :meth:`decode`, which puts it into the representation or the
              extras of the :class:`~crossspace.output.Output`. Objectives read that and the batch, nothing else.
            * Nothing that :meth:`encode` computes is kept on the model for :meth:`decode` or an objective: it would
              bypass the cut, and a step with micro-batches decodes other conversations than were encoded last.
              Training looks at the graph and refuses it.
            * Balancers that compare gradients over the representation compare them over all of these tensors that hold
              floating-point numbers: an objective that reads a further one alone would have no gradient otherwise.
            * With several processes each holds its own conversations. Every row returned belongs to some of them; what
              depends on parameters alone, such as a penalty, is for :meth:`decode`.
        """

    @abstractmethod
    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Predictions from what :meth:`encode` returned, the batch and the parameters; it reads nothing else."""

    def forward(self, batch: Batch) -> Output:
        """Predict every utterance of the batch in the context of its conversation."""
        return self.decode(self.encode(batch), batch)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments the model was built with, defaults included; saved beside the weights."""
        known = self._hub_mixin_config if isinstance(self._hub_mixin_config, dict) else {}
        parts = parts_of(type(self))
        return {
            key: parts[key].complete(value, key) if key in parts else value
            for key, value in known.items()
            if key != "task"
        }

    @classmethod
    def translated(cls, arguments: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Arguments as an earlier release may have written them, as the constructor takes them today.

        What is not understood stays as it is, to be refused under its name.

        Args:
            arguments: from a saved model or a layer of a configuration.
            earlier: the arguments below that layer.
        """
        return dict(arguments)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Measure on the training split what the model wants to know before training: the scale of the features.

        A model that scales them has a :class:`~crossspace.nn.standardise.Standardise` called ``standardise``.
        """
        scaling = getattr(self, "standardise", None)
        if scaling is not None:
            scaling.fit(batches)

    def objectives(self) -> Sequence[Objective]:
        """The objectives of the paper; a balancer turns them into one step."""
        return [CrossEntropy()]

    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters whose gradients a balancer compares; all of them unless a model says otherwise."""
        return [p for p in self.parameters() if p.requires_grad]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part of the architecture, for tables of sizes, rate factors and modulation."""
        return {name: list(module.parameters()) for name, module in self.named_children()}

    def rate_factors(self) -> Mapping[str, float]:
        """By name of a parameter group, what its learning rate is multiplied by; all train at the same rate if none."""
        return {}

    def modulation(self) -> Modulation | None:
        """What scales the gradients of parameter groups between clipping and the update; nothing by default."""
        return None

    def save(self, folder: Path) -> None:
        """Write ``config.json`` and ``model.safetensors`` to ``folder``, each whole or not at all."""
        config = {
            "format": 1,
            "model": self.name,
            "spec": self.task.to_dict(),
            "arguments": self.arguments,
            "details": self.details,
        }
        origin = origin_of(type(self))
        if origin is not None:
            config["source"] = origin.to_dict()
        weights = {k: v.detach().cpu().contiguous() for k, v in self.state_dict().items()}
        with replacing(folder / WEIGHTS) as temporary:
            temporary.write_bytes(save(weights, metadata={_DIGESTS: digests(weights, config)}))
        write_text(folder / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    def _save_pretrained(self, save_directory: Path) -> None:
        self.save(save_directory)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> Model:
        folder = Path(model_id)
        if folder.is_dir():
            files = {name: folder / name for name in (CONFIG, WEIGHTS)}
        else:
            keys = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            chosen = {key: options[key] for key in keys if key in options}
            files = {name: Path(hf_hub_download(model_id, name, **chosen)) for name in (CONFIG, WEIGHTS)}
        return load_model(files[CONFIG], files[WEIGHTS])


def load_model(config_path: Path, weights_path: Path) -> Model:
    """Build a saved model and put it into evaluation mode.

    Raises:
        DataError: a file is missing, damaged, changed since it was written, or of an unknown format.
        MismatchError: the weights are not those of the described model.
        UsageError: its class is from outside of the package and not imported; nothing is imported here.

    Warns:
        CrossspaceWarning: its class is imported in another version than the model was saved with.
    """
    from crossspace.models import MODELS

    usual = "Give the folder of a run, or one of its seed-<n> folders."
    again = "Copy the folder again or train again."
    with reading(config_path, "the description of a saved crossspace model", usual):
        config = json.loads(config_path.read_text(encoding="utf-8"))
        build, task = class_of(config, MODELS, config_path), TaskSpec.from_dict(config["spec"])
        details = config.get("details", {})
        extractors = details.get("extractors", {})
        if not isinstance(extractors, dict) or not all(isinstance(e, dict) for e in extractors.values()):
            raise ValueError("details that are no mappings")
    check_version(config, build)  # first: another version explains whatever does not fit below
    with reading(weights_path, "the weights of a model (safetensors)", again):
        state = load_file(weights_path)
        with safe_open(weights_path, framework="pt") as file:
            stated = (file.metadata() or {}).get(_DIGESTS)
    with reading(config_path, "the description of a saved crossspace model", usual) as place:
        place.at = "arguments"
        found = digests(state, config)
        if found != stated:  # what may be forged shall not fill the memory before it is known not to fit
            with without_storage():
                _check_shapes(_built(build, task, config, config_path), state, weights_path, config_path)
        if stated is not None and found != stated:  # models of earlier releases state none
            path = config_path if found.split()[0] == stated.split()[0] else weights_path
            raise DataError(f"{path} was changed or damaged since the model was saved. {again}")
        with uninitialised():
            model = _built(build, task, config, config_path)
        _check_shapes(model, state, weights_path, config_path)
        model.load_state_dict(state)
        model.details = details
    broken = [name for name, values in state.items() if not torch.isfinite(values).all()]
    if broken:
        raise DataError(f"{weights_path}: weights should be finite numbers. Found others in {broken[0]!r}. {again}")
    return model.eval()


def _built(build: type[Model], task: TaskSpec, config: Mapping[str, Any], path: Path) -> Model:
    try:
        return build(task, **build.translated(config["arguments"]))
    except UsageError as error:  # of a file, not of what the user wrote
        raise DataError(f"{path} should describe a saved model. Found: {error} Copy the folder again.") from error
    except TypeError as error:  # Python's own refusal of names that a signature does not have
        if origin_of(build) is None:
            raise
        raise DataError(
            f"{path}: the model was saved with the arguments {sorted(config['arguments'])}, and "
            f"{build.__qualname__} of {origin_of(build)} is not built with them: {error}. "
            "Import the code that the model was trained with."
        ) from error


def digests(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> str:
    """SHA-256 of the weights (by name, type, shape and bytes) and that of the description, for the head of the weights.

    They stand in the one file, so that no kill can come between the weights and their digest.
    """
    found = hashlib.sha256()
    for name, values in sorted(weights.items()):
        found.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        found.update(values.reshape(-1).view(torch.uint8).numpy().data)
    described = json.dumps(config, sort_keys=True, ensure_ascii=True)
    return f"{found.hexdigest()} {hashlib.sha256(described.encode()).hexdigest()}"


def _check_shapes(model: Model, state: Mapping[str, Tensor], weights_path: Path, config_path: Path) -> None:
    """Raise :class:`MismatchError` unless these are the weights of this model."""
    expected = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    found = {name: tuple(values.shape) for name, values in state.items()}
    other = [name for name in dict.fromkeys([*expected, *found]) if expected.get(name) != found.get(name)]
    if other:
        name = other[0]
        raise MismatchError(
            f"{weights_path} does not fit the model described in {config_path}: {name} should be "
            f"{expected.get(name, 'absent')}. Found {found.get(name, 'nothing')}; {len(other)} differ in all. Put the "
            "two files of one model side by side."
        )
